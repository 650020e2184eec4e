package quartet.engine.fake;

import java.util.List;
import java.util.Set;
import quartet.engine.node.Catalog;

/** Files that are said to be there. */
public record FakeCatalog(List<String> checkpoints, List<String> images, Set<String> existing)
    implements Catalog {
  /** One checkpoint and one picture. */
  public static FakeCatalog small() {
    return new FakeCatalog(List.of("a.safetensors"), List.of("in.png"), Set.of("in.png"));
  }

  @Override
  public List<String> models(String folderKey) {
    return folderKey.equals("checkpoints") ? checkpoints : List.of();
  }

  @Override
  public List<String> inputImages() {
    return images;
  }

  @Override
  public List<String> inputFiles(String suffix) {
    return List.of();
  }

  @Override
  public boolean imageExists(String annotatedName) {
    return existing.contains(annotatedName);
  }
}
