package sandbox;

/** What the command line says: {@code [--port N] [--host ADDRESS] [--jdbc URL]}; port 0 means any free one. */
record Options(int port, String host, String jdbcUrl) {
  private static final String IN_MEMORY = "jdbc:h2:mem:hapi;DB_CLOSE_DELAY=-1";

  static Options parse(String[] args) {
    int port = 0;
    String host = "127.0.0.1";
    String jdbcUrl = IN_MEMORY;
    for (int i = 0; i < args.length; i++) {
      switch (args[i]) {
        case "--port" -> port = port(value(args, ++i));
        case "--host" -> host = value(args, ++i);
        case "--jdbc" -> jdbcUrl = value(args, ++i);
        default -> throw new IllegalArgumentException("unknown argument " + args[i]);
      }
    }
    return new Options(port, host, jdbcUrl);
  }

  /** A database in memory is always new: making its tables outright saves comparing them with what is there. */
  String schemaAction() {
    return jdbcUrl.startsWith("jdbc:h2:mem:") ? "create-only" : "update";
  }

  private static String value(String[] args, int i) {
    if (i >= args.length) throw new IllegalArgumentException("no value after " + args[i - 1]);
    return args[i];
  }

  private static int port(String text) {
    try {
      int port = Integer.parseInt(text);
      if (port >= 0 && port <= 65535) return port;
    } catch (NumberFormatException e) {
      // refused below, with the text
    }
    throw new IllegalArgumentException("a port is a number from 0 to 65535, not " + text);
  }
}
