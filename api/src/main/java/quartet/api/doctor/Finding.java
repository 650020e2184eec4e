package quartet.api.doctor;

import org.jspecify.annotations.Nullable;

/**
 * One thing that was looked at.
 *
 * @param subject in a word or two, for example {@code Java}
 * @param detail what was found, with values
 * @param advice what to do, or null where nothing needs doing
 */
public record Finding(Level level, String subject, String detail, @Nullable String advice) {
  /** How it stands. */
  public enum Level {
    /** As it should be. */
    GOOD("✅"),
    /** Quartet runs, but an operator should know. */
    NOTE("⚠️"),
    /** Quartet cannot run, or not as asked. */
    BAD("❌");

    private final String mark;

    Level(String mark) {
      this.mark = mark;
    }

    /** How it is shown. */
    public String mark() {
      return mark;
    }
  }

  /** As it should be. */
  public static Finding good(String subject, String detail) {
    return new Finding(Level.GOOD, subject, detail, null);
  }

  /** Worth knowing. */
  public static Finding note(String subject, String detail, String advice) {
    return new Finding(Level.NOTE, subject, detail, advice);
  }

  /** In the way. */
  public static Finding bad(String subject, String detail, String advice) {
    return new Finding(Level.BAD, subject, detail, advice);
  }
}
