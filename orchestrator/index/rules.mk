index_PKGS := jansson libarchive libxml-2.0
