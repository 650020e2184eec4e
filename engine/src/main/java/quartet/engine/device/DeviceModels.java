package quartet.engine.device;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.engine.model.CheckpointModels;
import quartet.engine.model.DerivedPart;
import quartet.engine.model.DiffusionModel;
import quartet.engine.model.Models;
import quartet.engine.model.SourceWeights;
import quartet.engine.model.StyleModel;
import quartet.engine.model.TextEncoder;
import quartet.engine.model.Vae;
import quartet.engine.model.VisionTower;
import quartet.engine.model.blocks.Weights;
import quartet.engine.model.control.ControlModel;
import quartet.engine.model.upscale.Upscaler;
import quartet.engine.value.ModelRefs;
import quartet.engine.value.PartSource;
import quartet.errors.EngineException;
import quartet.safetensors.SafetensorsFile;
import quartet.tensor.Backend;

/**
 * The models resident on one device: files with the parts that were asked for, and parts that were
 * derived from them. What is derived from a file goes with it.
 *
 * <p>Files are dropped least recently used first when there are more than allowed. What a job has
 * used stays until the job ends, since it will most likely be used again; a job that ran out of
 * memory on that account runs again with {@link #beginTightJob}.
 *
 * <p>Owner: of everything it loaded. Thread: the device's.
 */
final class DeviceModels implements Models, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DeviceModels.class);

  private final Backend backend;
  private final HostModels hostModels;
  private final int maxResident;
  private final LinkedHashMap<Path, CheckpointModels> resident =
      new LinkedHashMap<>(8, 0.75f, true);
  private final LinkedHashMap<DerivedKey, DerivedPart> derived =
      new LinkedHashMap<>(8, 0.75f, true);
  private final Set<Object> usedByJob = new HashSet<>();
  private final Set<Path> unfitForPreviews = new HashSet<>();
  private boolean keepsWhatJobUses;
  private boolean tight;

  private record DerivedKey(SourceWeights.Part part, PartSource source) {}

  DeviceModels(Backend backend, HostModels hostModels, int maxResident) {
    if (maxResident < 1) {
      throw new IllegalArgumentException(
          "a device keeps at least 1 checkpoint, not " + maxResident);
    }
    this.backend = backend;
    this.hostModels = hostModels;
    this.maxResident = maxResident;
  }

  /** A job begins: what it uses stays until it ends. */
  void beginJob() {
    usedByJob.clear();
    keepsWhatJobUses = true;
    tight = false;
  }

  /** A job begins again after it ran out of memory: nothing more than is allowed stays. */
  void beginTightJob() {
    usedByJob.clear();
    keepsWhatJobUses = false;
    tight = true;
  }

  /** A job has ended. */
  void endJob() {
    usedByJob.clear();
    keepsWhatJobUses = false;
    tight = false;
  }

  /** A checkpoint's parts; a file without a denoising network is refused. */
  CheckpointModels checkpoint(Path file) {
    return file(file, true);
  }

  @Override
  public void requireCheckpoint(Path file) {
    checkpoint(file);
  }

  private CheckpointModels file(Path file, boolean checkpoint) {
    CheckpointModels present = resident.get(file);
    if (present != null) {
      if (checkpoint) {
        present.requireCheckpoint();
      }
      used(file);
      return present;
    }
    makeRoom();
    long start = System.nanoTime();
    SafetensorsFile mapped = hostModels.acquire(file);
    try {
      CheckpointModels loaded =
          checkpoint
              ? CheckpointModels.open(mapped, backend)
              : CheckpointModels.openPart(mapped, backend);
      resident.put(file, loaded);
      used(file);
      LOG.info(
          "[{}] {} ready in {} ms",
          backend.device(),
          file.getFileName(),
          (System.nanoTime() - start) / 1_000_000);
      return loaded;
    } catch (RuntimeException e) {
      hostModels.release(file);
      throw e;
    }
  }

  private void used(Object key) {
    if (keepsWhatJobUses) {
      usedByJob.add(key);
    }
  }

  @Override
  public DiffusionModel diffusion(ModelRefs.ModelRef ref) {
    @Nullable Path single = singleFile(ref.source());
    DiffusionModel model =
        single != null
            ? file(single, true).diffusion()
            : derived(SourceWeights.Part.DIFFUSION, ref.source()).diffusion();
    DiffusionModel chosen = model.with(ref.options());
    return tight ? chosen.inPartsWhenFull() : chosen;
  }

  @Override
  public TextEncoder textEncoder(ModelRefs.ClipRef ref) {
    @Nullable Path single = singleFile(ref.source());
    return single != null
        ? file(single, false).textEncoder()
        : derived(SourceWeights.Part.TEXT, ref.source()).textEncoder();
  }

  @Override
  public Vae vae(ModelRefs.VaeRef ref) {
    Vae vae =
        switch (ref) {
          case ModelRefs.VaeRef.Stored stored -> vae(stored.source());
          case ModelRefs.VaeRef.Pixels ignored -> Vae.ofPixels(backend);
        };
    return tight ? vae.inTilesWhenFull() : vae;
  }

  private Vae vae(PartSource source) {
    @Nullable Path single = singleFile(source);
    return single != null
        ? file(single, false).vae()
        : derived(SourceWeights.Part.VAE, source).vae();
  }

  @Override
  public ControlModel control(ModelRefs.ControlRef ref) {
    return file(ref.file(), false).control();
  }

  @Override
  public VisionTower vision(ModelRefs.VisionRef ref) {
    return file(ref.file(), false).vision();
  }

  @Override
  public StyleModel style(ModelRefs.StyleRef ref) {
    return file(ref.file(), false).style();
  }

  @Override
  public Upscaler upscaler(ModelRefs.UpscalerRef ref) {
    return file(ref.file(), false).upscaler();
  }

  @Override
  public Optional<Vae> previewer(Path file) {
    // Loading a file in a tight job could evict the network that is being sampled.
    if (tight || unfitForPreviews.contains(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(file(file, false).vae());
    } catch (EngineException e) {
      unfitForPreviews.add(file);
      LOG.warn("[{}] no previews with {}: {}", backend.device(), file, e.getMessage());
      return Optional.empty();
    }
  }

  private static @Nullable Path singleFile(PartSource source) {
    return source instanceof PartSource.Files stored && stored.files().size() == 1
        ? stored.files().getFirst()
        : null;
  }

  private DerivedPart derived(SourceWeights.Part part, PartSource source) {
    DerivedKey key = new DerivedKey(part, source);
    DerivedPart present = derived.get(key);
    if (present != null) {
      used(key);
      return present;
    }
    // Another variant of the same part of the same file is rarely wanted again.
    Path base = SourceWeights.firstFile(source);
    dropDerived(old -> old.part() == part && SourceWeights.firstFile(old.source()).equals(base));
    long start = System.nanoTime();
    DerivedPart loaded = withFiles(files -> DerivedPart.load(source, part, files, backend));
    derived.put(key, loaded);
    used(key);
    LOG.info(
        "[{}] {} of {} with its changes ready in {} ms",
        backend.device(),
        part,
        base.getFileName(),
        (System.nanoTime() - start) / 1_000_000);
    return loaded;
  }

  @Override
  public <T> T weights(PartSource source, SourceWeights.Part part, Function<Weights, T> reader) {
    return withFiles(files -> reader.apply(new SourceWeights(files).of(source, part)));
  }

  /** Runs something with files that stay open so long. */
  private <T> T withFiles(Function<Function<Path, SafetensorsFile>, T> work) {
    Map<Path, SafetensorsFile> opened = new LinkedHashMap<>();
    try {
      return work.apply(path -> opened.computeIfAbsent(path, hostModels::acquire));
    } finally {
      opened.keySet().forEach(hostModels::release);
    }
  }

  List<Path> resident() {
    Set<Path> all = new LinkedHashSet<>(resident.keySet());
    derived.keySet().forEach(key -> all.add(SourceWeights.firstFile(key.source())));
    return List.copyOf(all);
  }

  private void makeRoom() {
    while (resident.size() >= maxResident) {
      Path oldest =
          resident.keySet().stream()
              .filter(file -> !usedByJob.contains(file))
              .findFirst()
              .orElse(null);
      if (oldest == null) {
        return;
      }
      evict(oldest);
    }
  }

  private void evict(Path file) {
    CheckpointModels models = resident.remove(file);
    try {
      dropDerived(key -> SourceWeights.firstFile(key.source()).equals(file));
    } finally {
      if (models != null) {
        release(file, models);
      }
    }
  }

  @FunctionalInterface
  private interface Which {
    boolean matches(DerivedKey key);
  }

  private void dropDerived(Which which) {
    Iterator<Map.Entry<DerivedKey, DerivedPart>> entries = derived.entrySet().iterator();
    while (entries.hasNext()) {
      Map.Entry<DerivedKey, DerivedPart> entry = entries.next();
      if (which.matches(entry.getKey()) && !usedByJob.contains(entry.getKey())) {
        entries.remove();
        entry.getValue().close();
      }
    }
  }

  private void release(Path file, CheckpointModels models) {
    try {
      models.close();
    } finally {
      hostModels.release(file);
    }
    LOG.info("[{}] {} evicted", backend.device(), file.getFileName());
  }

  /** Frees all of them. */
  void clear() {
    unfitForPreviews.clear();
    usedByJob.clear();
    dropDerived(key -> true);
    for (Path file : new ArrayList<>(resident.keySet())) {
      evict(file);
    }
  }

  @Override
  public void close() {
    clear();
  }
}
