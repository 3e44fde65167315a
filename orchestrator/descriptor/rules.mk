descriptor_PKGS := yaml-0.1
