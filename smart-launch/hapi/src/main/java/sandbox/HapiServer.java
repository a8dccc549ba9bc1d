package sandbox;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.provider.IJpaSystemProvider;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URI;
import javax.sql.DataSource;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.GracefulHandler;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;

/**
 * A HAPI FHIR R4 JPA server under /fhir, with /health beside it; see {@link Options} for its arguments. Prints "ready
 * on PORT" to stdout once it has answered a FHIR search, finishes running requests on SIGTERM, and has no login of
 * its own: it belongs on loopback or behind a gateway.
 */
public final class HapiServer {
  private static final int DRAIN_MILLIS = 5_000;
  private static final int FIRST_ANSWER_MILLIS = 60_000;

  private HapiServer() {}

  public static void main(String[] args) {
    Options options;
    try {
      options = Options.parse(args);
    } catch (IllegalArgumentException e) {
      System.err.println("hapi: " + e.getMessage());
      System.exit(2);
      return;
    }
    try {
      run(options);
    } catch (Exception e) {
      e.printStackTrace();
      System.exit(1);
    }
  }

  private static void run(Options options) throws Exception {
    var server = new Server();
    var connector = connector(server, options);
    connector.open(); // a port that is taken is told at once, not after the long start
    var context = springContext(options);
    var health = new Health(context.getBean(DataSource.class));
    server.setHandler(new GracefulHandler(servlets(fhirServer(context), health)));
    server.setStopTimeout(DRAIN_MILLIS);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(server, context), "shutdown"));
    server.start();

    searchOnce(options.host(), connector.getLocalPort());
    health.fhirAnswers();
    System.out.println("ready on " + connector.getLocalPort());
    server.join();
  }

  private static ServerConnector connector(Server server, Options options) {
    var http = new HttpConfiguration();
    http.setSendServerVersion(false);
    var connector = new ServerConnector(server, new HttpConnectionFactory(http));
    connector.setHost(options.host());
    connector.setPort(options.port());
    server.addConnector(connector);
    return connector;
  }

  private static AnnotationConfigApplicationContext springContext(Options options) {
    var context = new AnnotationConfigApplicationContext();
    context.registerBean(Options.class, () -> options);
    context.register(ServerConfig.class);
    context.refresh();
    return context;
  }

  private static ServletContextHandler servlets(RestfulServer fhir, Health health) {
    var handler = new ServletContextHandler();
    handler.addServlet(new ServletHolder(fhir), "/fhir/*");
    handler.addServlet(new ServletHolder(health), "/health");
    return handler;
  }

  private static RestfulServer fhirServer(AnnotationConfigApplicationContext context) {
    var fhir = new RestfulServer(context.getBean(FhirContext.class));
    fhir.registerProviders(context.getBean(ResourceProviderFactory.class).createProviders());
    fhir.registerProvider(context.getBean(IJpaSystemProvider.class));
    fhir.setPagingProvider(context.getBean(DatabaseBackedPagingProvider.class));
    var capability = new JpaCapabilityStatementProvider(
        fhir,
        context.getBean(IFhirSystemDao.class),
        context.getBean(JpaStorageSettings.class),
        context.getBean(ISearchParamRegistry.class),
        context.getBean("myJpaValidationSupportChain", IValidationSupport.class));
    capability.setImplementationDescription("HAPI FHIR R4 sandbox");
    fhir.setServerConformanceProvider(capability);
    return fhir;
  }

  /** The first search makes HAPI build what it builds late; ready means that this has been paid for. */
  private static void searchOnce(String host, int port) throws IOException {
    var reachable = host.equals("0.0.0.0") || host.equals("::") ? "127.0.0.1" : host;
    var literal = reachable.contains(":") ? "[" + reachable + "]" : reachable;
    var address = URI.create("http://" + literal + ":" + port + "/fhir/Patient?_count=1").toURL();
    var connection = (HttpURLConnection) address.openConnection(Proxy.NO_PROXY);
    connection.setReadTimeout(FIRST_ANSWER_MILLIS);
    int status = connection.getResponseCode();
    connection.disconnect();
    if (status != 200) throw new IOException("the first search was answered " + status);
  }

  private static void stop(Server server, AnnotationConfigApplicationContext context) {
    try {
      server.stop();
    } catch (Exception e) {
      System.err.println("hapi: requests were cut off at the stop: " + e.getMessage());
    }
    context.close();
  }
}
