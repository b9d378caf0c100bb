# Compiler flags and the four ways to declare a target.  Sources are listed, never globbed.
add_library(ov_flags INTERFACE)
target_include_directories(ov_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(ov_flags INTERFACE _GNU_SOURCE)
target_compile_options(ov_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes
  -Wmissing-prototypes -Wpointer-arith -Wvla -Wundef -Wwrite-strings
  -Wswitch-enum -Wformat=2 -fno-common -fstack-protector-strong -fPIE)
target_link_options(ov_flags INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  target_compile_options(ov_flags INTERFACE -D_FORTIFY_SOURCE=2)
endif()
if(OVERLAP_CRASH_POINTS)
  target_compile_definitions(ov_flags INTERFACE OVERLAP_CRASH_POINTS=1)
endif()
if(OVERLAP_OLD_PROFILES)
  target_compile_definitions(ov_flags INTERFACE OVERLAP_OLD_PROFILES=1)
endif()
if(OVERLAP_SANITIZE)
  target_compile_options(ov_flags INTERFACE -fsanitize=${OVERLAP_SANITIZE}
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(ov_flags INTERFACE -fsanitize=${OVERLAP_SANITIZE})
endif()

if(OVERLAP_FUZZ) # libraries too, so that the search sees their branches
  target_compile_options(ov_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

function(ov_library name)                     # ov_library(proto SOURCES ... NEEDS ...)
  cmake_parse_arguments(A "" "" "SOURCES;NEEDS" ${ARGN})
  add_library(ov_${name} STATIC ${A_SOURCES})
  target_link_libraries(ov_${name} PRIVATE ov_flags PUBLIC ${A_NEEDS})
endfunction()

function(ov_program name)                     # ov_program(overlapd SOURCES ... NEEDS ...)
  cmake_parse_arguments(A "" "" "SOURCES;NEEDS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE ov_flags ${A_NEEDS})
endfunction()

# ov_test(unit codec NEEDS ov_proto): tests/unit/test_codec.c -> ctest name unit.codec
function(ov_test kind module)
  cmake_parse_arguments(A "" "TIMEOUT" "NEEDS;SOURCES" ${ARGN})
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 120)
  endif()
  add_executable(${kind}_${module} ${kind}/test_${module}.c ${A_SOURCES})
  target_link_libraries(${kind}_${module} PRIVATE ov_flags ov_cmocka ${A_NEEDS})
  target_compile_definitions(${kind}_${module} PRIVATE
    OV_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data" OV_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_test(NAME ${kind}.${module} COMMAND ${kind}_${module})
  set_tests_properties(${kind}.${module} PROPERTIES LABELS ${kind} TIMEOUT ${A_TIMEOUT})
endfunction()

# A fuzz target is built with libFuzzer in the fuzz preset; everywhere else it is a program that
# replays its committed corpus (tests/fuzz/corpus/NAME), so that a broken decoder fails every build.
function(ov_fuzz module)
  cmake_parse_arguments(A "" "" "NEEDS" ${ARGN})
  add_executable(fuzz_${module} fuzz/fuzz_${module}.c)
  target_link_libraries(fuzz_${module} PRIVATE ov_flags ${A_NEEDS})
  set(corpus ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${module})
  if(OVERLAP_FUZZ)
    target_compile_options(fuzz_${module} PRIVATE -fsanitize=fuzzer)
    target_link_options(fuzz_${module} PRIVATE -fsanitize=fuzzer)
    add_test(NAME fuzz.${module} COMMAND sh -c
      "mkdir -p found_${module} && exec ./fuzz_${module} -runs=20000 -max_len=4096 found_${module} ${corpus}")
  else()
    target_sources(fuzz_${module} PRIVATE fuzz/replay.c)
    add_test(NAME fuzz.${module} COMMAND fuzz_${module} ${corpus})
  endif()
  set_tests_properties(fuzz.${module} PROPERTIES LABELS fuzz TIMEOUT 300)
endfunction()
