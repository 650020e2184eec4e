package quartet.engine.nodes;

import java.util.ArrayList;
import java.util.List;
import quartet.engine.node.Node;
import quartet.engine.node.NodePack;

/** The nodes every server has, in the order of the menu. */
public final class CoreNodes implements NodePack {
  /** Largest extent of a picture, in pixels. Source: comfyui-protocol §7, R. */
  static final int MAX_RESOLUTION = 16384;

  /** Largest batch. */
  static final int MAX_BATCH = 4096;

  @Override
  public String name() {
    return "core";
  }

  @Override
  public List<Node> nodes() {
    List<Node> nodes =
        new ArrayList<>(
            List.of(
                new KSamplerNode(),
                new KSamplerAdvancedNode(),
                new CheckpointLoaderSimple(),
                new ClipTextEncode(),
                new ClipSetLastLayer(),
                new VaeDecode(),
                new VaeEncode(),
                EmptyLatentImage.ofFourChannels(),
                EmptyLatentImage.ofSixteenChannels(),
                new LatentUpscale(),
                new SaveImage(),
                new PreviewImage(),
                LoadImage.fromInput(),
                LoadImage.fromOutput(),
                new LoadImageMask(),
                new ImageScale(),
                new EmptyImage(),
                new SaveLatent(),
                new LoadLatent(),
                new CheckpointSave(),
                new SaveImageWebsocket()));
    nodes.addAll(LoaderNodes.all());
    nodes.addAll(ConditioningNodes.all());
    nodes.addAll(ControlNodes.all());
    nodes.addAll(VisionNodes.all());
    nodes.addAll(LatentNodes.all());
    nodes.addAll(LatentBatchNodes.all());
    nodes.addAll(InpaintNodes.all());
    nodes.addAll(ImageNodes.all());
    nodes.addAll(PictureNodes.all());
    nodes.addAll(MaskNodes.all());
    nodes.addAll(CustomSamplingNodes.all());
    nodes.addAll(SigmaNodes.all());
    nodes.addAll(ModelNodes.all());
    nodes.addAll(PatchNodes.all());
    return Primitives.and(nodes.toArray(Node[]::new));
  }
}
