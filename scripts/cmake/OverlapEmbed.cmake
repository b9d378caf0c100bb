# ov_embed(target symbol-suffix file): compiles a data file into target as
#   const uint8_t ov_list_data_SUFFIX[]; const size_t ov_list_len_SUFFIX;
# so that a release uses its own lists whatever the system has installed.
set(OV_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

function(ov_embed target symbol file)
  set(c ${CMAKE_CURRENT_BINARY_DIR}/embed_${symbol}.c)
  add_custom_command(OUTPUT ${c}
    COMMAND ${CMAKE_COMMAND} -D OV_EMBED_IN=${file} -D OV_EMBED_OUT=${c} -D OV_EMBED_SYMBOL=${symbol}
            -P ${OV_EMBED_SCRIPT}
    DEPENDS ${file} ${OV_EMBED_SCRIPT} VERBATIM)
  target_sources(${target} PRIVATE ${c})
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  file(READ ${OV_EMBED_IN} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
  file(WRITE ${OV_EMBED_OUT}
    "#include <stddef.h>\n#include <stdint.h>\n"
    "extern const uint8_t ov_list_data_${OV_EMBED_SYMBOL}[];\n"
    "extern const size_t ov_list_len_${OV_EMBED_SYMBOL};\n"
    "const uint8_t ov_list_data_${OV_EMBED_SYMBOL}[] = {\n${bytes}0};\n"
    "const size_t ov_list_len_${OV_EMBED_SYMBOL} = sizeof(ov_list_data_${OV_EMBED_SYMBOL}) - 1;\n")
endif()
