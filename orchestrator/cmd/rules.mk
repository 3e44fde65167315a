cmd_PKGS := jansson libcurl libarchive libseccomp
