package quartet.api.cli;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;
import picocli.CommandLine;

/** The version that the build wrote into the jar. */
public final class ProductVersion implements CommandLine.IVersionProvider {
  /** The version, such as {@code 0.1.0}. */
  static String text() {
    Properties properties = new Properties();
    try (InputStream in = ProductVersion.class.getResourceAsStream("/quartet/version.properties")) {
      if (in != null) {
        properties.load(in);
      }
    } catch (IOException e) {
      return "unknown";
    }
    return properties.getProperty("version", "unknown");
  }

  @Override
  public String[] getVersion() {
    return new String[] {"quartet " + text() + " on Java " + Runtime.version()};
  }
}
