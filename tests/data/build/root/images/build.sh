# What would run in a builder.
exit 0
