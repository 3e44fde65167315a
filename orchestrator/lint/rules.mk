lint_PKGS :=
