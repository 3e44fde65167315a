cache_PKGS := jansson
