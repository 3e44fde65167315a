crawl_PKGS := jansson
