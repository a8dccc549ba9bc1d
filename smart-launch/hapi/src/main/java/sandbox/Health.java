package sandbox;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.sql.SQLException;
import javax.sql.DataSource;

/** GET /health: 200 once a FHIR search has been answered and while the database answers, else 503. */
class Health extends HttpServlet {
  private static final int DATABASE_SECONDS = 2;
  private final transient DataSource database;
  private volatile boolean answersFhir;

  Health(DataSource database) {
    this.database = database;
  }

  void fhirAnswers() {
    answersFhir = true;
  }

  @Override
  protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
    boolean up = answersFhir && databaseAnswers();
    response.setStatus(up ? HttpServletResponse.SC_OK : HttpServletResponse.SC_SERVICE_UNAVAILABLE);
    response.setContentType("application/json");
    response.setHeader("Cache-Control", "no-store");
    response.getWriter().print(up ? "{\"status\":\"up\"}" : "{\"status\":\"starting\"}");
  }

  private boolean databaseAnswers() {
    try (var connection = database.getConnection()) {
      return connection.isValid(DATABASE_SECONDS);
    } catch (SQLException e) {
      return false;
    }
  }
}
