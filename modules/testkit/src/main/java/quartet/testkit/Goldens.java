package quartet.testkit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import quartet.safetensors.SafetensorsFile;

/**
 * The expected numbers beside this class, in {@code quartet/goldens}; their README says how each
 * was made.
 */
public final class Goldens {
  private Goldens() {}

  /** A JSON golden, for example {@code randn}. */
  public static JsonNode json(String name) {
    try (InputStream in = open(name + ".json")) {
      return new ObjectMapper().readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A golden checkpoint or set of tensors, for example {@code tiny_sd15}, copied to a temporary
   * file because a file inside a jar cannot be mapped.
   */
  public static SafetensorsFile tensors(String name) {
    return SafetensorsFile.open(path(name + ".safetensors"));
  }

  /** A fresh copy of a golden in a temporary folder, deleted when the JVM ends. */
  public static Path path(String fileName) {
    try (InputStream in = open(fileName)) {
      Path directory = Files.createTempDirectory("quartet-goldens");
      Path path = directory.resolve(fileName);
      Files.copy(in, path);
      directory.toFile().deleteOnExit();
      path.toFile().deleteOnExit();
      return path;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A JSON array of numbers as floats; {@code null} is NaN. */
  public static float[] floats(JsonNode array) {
    float[] values = new float[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).isNull() ? Float.NaN : (float) array.get(i).doubleValue();
    }
    return values;
  }

  static InputStream open(String fileName) {
    InputStream in = Goldens.class.getResourceAsStream("/quartet/goldens/" + fileName);
    if (in == null) {
      throw new IllegalArgumentException("no golden named " + fileName);
    }
    return in;
  }
}
