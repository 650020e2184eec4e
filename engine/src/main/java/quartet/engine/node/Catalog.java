package quartet.engine.node;

import java.util.List;

/** What is there to choose from: the files of the run-time folders. */
public interface Catalog {
  /** Model files of a folder key such as {@code checkpoints}, relative, sorted. */
  List<String> models(String folderKey);

  /** Images directly in the input folder, sorted. */
  List<String> inputImages();

  /** Files directly in the input folder that end so, sorted. */
  List<String> inputFiles(String suffix);

  /**
   * Whether a LoadImage value (which may carry {@code [output]} or a subfolder) names an existing
   * file.
   */
  boolean imageExists(String annotatedName);
}
