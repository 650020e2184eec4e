package quartet.engine.plugin;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.StringEntry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Finds plug-in classes that name a device instead of taking the one their context gives: a text
 * such as {@code cuda:0} or {@code cpu:1}, or a call that makes a {@code quartet.tensor.Device}.
 * Reads class files only; nothing of the plug-in is run.
 *
 * <p>Bound: a device name that is put together at run time is not seen. Hence the log says "no
 * <em>obvious</em> device hardcoding".
 */
public final class DeviceHardcoding {
  private static final Pattern DEVICE_NAME = Pattern.compile("(cuda|cpu|sim):\\d{1,4}");
  private static final String DEVICE_CLASS = "quartet/tensor/Device";

  private DeviceHardcoding() {}

  /**
   * A class that names a device.
   *
   * @param plugIn file name of the jar
   * @param className binary name with dots
   * @param evidence what was found
   */
  public record Finding(String plugIn, String className, String evidence) {}

  /** All findings of a jar, one per class. */
  public static List<Finding> in(Path jar) throws IOException {
    List<Finding> findings = new ArrayList<>();
    try (ZipFile zip = new ZipFile(jar.toFile())) {
      for (Enumeration<? extends ZipEntry> entries = zip.entries(); entries.hasMoreElements(); ) {
        ZipEntry entry = entries.nextElement();
        if (entry.getName().endsWith(".class") && !entry.getName().equals("module-info.class")) {
          try (InputStream in = zip.getInputStream(entry)) {
            ClassModel model = ClassFile.of().parse(in.readAllBytes());
            evidence(model)
                .ifPresent(
                    found ->
                        findings.add(
                            new Finding(
                                jar.getFileName().toString(),
                                model.thisClass().asInternalName().replace('/', '.'),
                                found)));
          }
        }
      }
    }
    return findings;
  }

  private static Optional<String> evidence(ClassModel model) {
    for (PoolEntry entry : model.constantPool()) {
      if (entry instanceof StringEntry text && DEVICE_NAME.matcher(text.stringValue()).matches()) {
        return Optional.of("the text \"" + text.stringValue() + "\"");
      }
      if (entry instanceof MemberRefEntry member
          && member.owner().asInternalName().equals(DEVICE_CLASS)
          && makesDevice(member.name().stringValue())) {
        return Optional.of("a call of Device." + member.name().stringValue());
      }
    }
    return Optional.empty();
  }

  private static boolean makesDevice(String method) {
    return method.equals("<init>") || method.equals("cpu") || method.equals("parse");
  }
}
