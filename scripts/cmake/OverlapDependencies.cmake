# Third-party libraries, each as one imported target.  Only the library's one door links it.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(ov_import target)                    # by pkg-config module
  pkg_check_modules(${target} REQUIRED IMPORTED_TARGET GLOBAL ${ARGN})
  add_library(ov_${target} INTERFACE)
  target_link_libraries(ov_${target} INTERFACE PkgConfig::${target})
endfunction()

function(ov_import_plain target lib header)   # libraries without a .pc file in Debian 12
  find_library(${target}_LIBRARY ${lib} REQUIRED)
  find_path(${target}_INCLUDE ${header} REQUIRED)
  add_library(ov_${target} INTERFACE)
  target_link_libraries(ov_${target} INTERFACE ${${target}_LIBRARY})
endfunction()

ov_import(openssl openssl)
ov_import(sodium libsodium)
ov_import(sqlite sqlite3)
ov_import(psl libpsl)
ov_import(idn2 libidn2)
ov_import(utf8proc libutf8proc)
ov_import(yaml yaml-0.1)
ov_import(cjson libcjson)
ov_import(cmocka cmocka)
ov_import(msgpack msgpack)
ov_import_plain(nng nng nng/nng.h)
ov_import_plain(csv csv csv.h)
