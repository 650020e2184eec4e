package quartet.tokenizer;

import java.text.Normalizer;
import java.util.Locale;

/**
 * Text as the vocabulary expects it: no control characters, single spaces, spaces around CJK
 * ideographs, composed (NFC), lower case. Source: huggingface/transformers {@code CLIPTokenizer}
 * without ftfy, {@code BasicTokenizer} (behaviour).
 */
final class TextCleaner {
  private TextCleaner() {}

  static String clean(String text) {
    StringBuilder kept = new StringBuilder(text.length() + 16);
    text.codePoints()
        .forEach(
            c -> {
              if (isSpace(c)) {
                kept.append(' ');
              } else if (isIdeograph(c)) {
                kept.append(' ').appendCodePoint(c).append(' ');
              } else if (!isDropped(c)) {
                kept.appendCodePoint(c);
              }
            });
    String composed = Normalizer.normalize(kept, Normalizer.Form.NFC);
    return String.join(" ", composed.trim().split("[ \\u2028\\u2029]+", -1))
        .toLowerCase(Locale.ROOT);
  }

  private static boolean isSpace(int c) {
    return c == '\t' || c == '\n' || c == '\r' || Character.getType(c) == Character.SPACE_SEPARATOR;
  }

  /** NUL, the replacement character, and all of Unicode's category C. */
  private static boolean isDropped(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.PRIVATE_USE,
          Character.SURROGATE,
          Character.UNASSIGNED ->
          true;
      default -> c == 0xFFFD;
    };
  }

  /** The blocks of CJK unified and compatibility ideographs. */
  private static boolean isIdeograph(int c) {
    return (c >= 0x4E00 && c <= 0x9FFF)
        || (c >= 0x3400 && c <= 0x4DBF)
        || (c >= 0x20000 && c <= 0x2A6DF)
        || (c >= 0x2A700 && c <= 0x2B73F)
        || (c >= 0x2B740 && c <= 0x2B81F)
        || (c >= 0x2B820 && c <= 0x2CEAF)
        || (c >= 0xF900 && c <= 0xFAFF)
        || (c >= 0x2F800 && c <= 0x2FA1F);
  }
}
