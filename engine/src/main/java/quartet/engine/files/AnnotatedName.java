package quartet.engine.files;

/**
 * A picture's name as workflows write it: {@code photo.png}, {@code sub/photo.png [output]}.
 *
 * @param file relative to the folder
 */
public record AnnotatedName(String file, Folder folder) {
  /** Which of the three folders. */
  public enum Folder {
    /** Uploaded pictures. */
    INPUT,
    /** Results. */
    OUTPUT,
    /** Previews. */
    TEMP
  }

  /** Reads the annotation; without one, the input folder is meant. */
  public static AnnotatedName of(String text) {
    for (Folder folder : Folder.values()) {
      String mark = " [" + folder.name().toLowerCase(java.util.Locale.ROOT) + "]";
      if (text.endsWith(mark)) {
        return new AnnotatedName(text.substring(0, text.length() - mark.length()), folder);
      }
    }
    return new AnnotatedName(text, Folder.INPUT);
  }
}
