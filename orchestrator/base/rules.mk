base_PKGS :=
