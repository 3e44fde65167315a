int program;
