package quartet.engine.nodes;

import java.nio.file.Path;
import java.util.List;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.Conditioning;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.ModelRefs;
import quartet.engine.value.SeenImages;

/** Nodes that let pictures stand beside a text: vision towers, style models, unCLIP. */
final class VisionNodes {
  private static final Input.SocketInput<Conditioning> CONDITIONING =
      Input.socket("conditioning", PortType.CONDITIONING);
  private static final Input.SocketInput<SeenImages> SEEN =
      Input.socket("clip_vision_output", PortType.CLIP_VISION_OUTPUT);

  private VisionNodes() {}

  static List<Node> all() {
    return List.of(
        visionLoader(),
        encode(),
        styleLoader(),
        applyStyle(),
        unclipLoader(),
        unclipConditioning());
  }

  private static Node visionLoader() {
    Input.ComboInput name = Input.choice("clip_name", catalog -> catalog.models("clip_vision"));
    return FunctionNode.of(
        NodeSchema.named("CLIPVisionLoader")
            .display("Load CLIP Vision")
            .category("loaders")
            .description("Loads a vision tower of CLIP: ViT-L, ViT-H or ViT-bigG.")
            .required(name)
            .returns(PortType.CLIP_VISION),
        (inputs, context) -> {
          ModelRefs.VisionRef ref =
              new ModelRefs.VisionRef(context.files().model("clip_vision", inputs.get(name)));
          context.models().vision(ref);
          return NodeResult.of(ref);
        });
  }

  private static Node encode() {
    Input.SocketInput<ModelRefs.VisionRef> vision =
        Input.socket("clip_vision", PortType.CLIP_VISION);
    Input.SocketInput<ImageBatch> image = Input.socket("image", PortType.IMAGE);
    Input.ComboInput crop = Input.choice("crop", "center", "none");
    return FunctionNode.of(
        NodeSchema.named("CLIPVisionEncode")
            .display("CLIP Vision Encode")
            .category("conditioning")
            .description("Looks at pictures: at their middle square, or at all of them squeezed.")
            .required(vision, image, crop)
            .returns(PortType.CLIP_VISION_OUTPUT),
        (inputs, context) ->
            NodeResult.of(
                context
                    .models()
                    .vision(inputs.get(vision))
                    .encode(inputs.get(image), inputs.get(crop).equals("center"))));
  }

  private static Node styleLoader() {
    Input.ComboInput name =
        Input.choice("style_model_name", catalog -> catalog.models("style_models"));
    return FunctionNode.of(
        NodeSchema.named("StyleModelLoader")
            .display("Load Style Model")
            .category("loaders")
            .description("Loads a style adapter, which makes words of pictures.")
            .required(name)
            .returns(PortType.STYLE_MODEL),
        (inputs, context) -> {
          ModelRefs.StyleRef ref =
              new ModelRefs.StyleRef(context.files().model("style_models", inputs.get(name)));
          context.models().style(ref);
          return NodeResult.of(ref);
        });
  }

  private static Node applyStyle() {
    Input.SocketInput<ModelRefs.StyleRef> style = Input.socket("style_model", PortType.STYLE_MODEL);
    Input.FloatInput strength = Input.fraction("strength", 1.0, 0, 10, 0.001);
    Input.ComboInput type = Input.choice("strength_type", "multiply", "attn_bias");
    return FunctionNode.of(
        NodeSchema.named("StyleModelApply")
            .display("Apply Style Model")
            .category("conditioning/style_model")
            .description(
                "Puts pictures behind a text as if they were words. A strength of type attn_bias acts on no model that runs here.")
            .required(CONDITIONING, style, SEEN, strength, type)
            .returns(PortType.CONDITIONING),
        (inputs, context) -> {
          var model = context.models().style(inputs.get(style));
          float[] tokens = model.tokens(inputs.get(SEEN));
          if (inputs.get(type).equals("multiply")) {
            for (int i = 0; i < tokens.length; i++) {
              tokens[i] *= inputs.get(strength).floatValue();
            }
          }
          int count = tokens.length / model.contextWidth();
          Conditioning.Entry words =
              Conditioning.of(tokens, count, model.contextWidth(), null).entries().getFirst();
          return NodeResult.of(
              inputs.get(CONDITIONING).map(entry -> ConditioningNodes.joined(entry, words)));
        });
  }

  private static Node unclipLoader() {
    Input.ComboInput name = Input.choice("ckpt_name", catalog -> catalog.models("checkpoints"));
    return FunctionNode.of(
        NodeSchema.named("unCLIPCheckpointLoader")
            .category("loaders")
            .description("Loads a checkpoint that is told of pictures, with its vision tower.")
            .required(name)
            .returns(PortType.MODEL)
            .returns(PortType.CLIP)
            .returns(PortType.VAE)
            .returns(PortType.CLIP_VISION),
        (inputs, context) -> {
          Path file = context.files().model("checkpoints", inputs.get(name));
          context.models().requireCheckpoint(file);
          return NodeResult.of(
              new ModelRefs.ModelRef(file),
              new ModelRefs.ClipRef(file),
              ModelRefs.VaeRef.of(file),
              new ModelRefs.VisionRef(file));
        });
  }

  private static Node unclipConditioning() {
    Input.FloatInput strength = Input.fraction("strength", 1.0, -10, 10, 0.01);
    Input.FloatInput noise = Input.fraction("noise_augmentation", 0.0, 0, 1, 0.01);
    return FunctionNode.of(
        NodeSchema.named("unCLIPConditioning")
            .category("conditioning")
            .description("Tells an unCLIP model of pictures beside the text.")
            .required(CONDITIONING, SEEN, strength, noise)
            .returns(PortType.CONDITIONING),
        (inputs, context) -> {
          Conditioning.ImageUse use =
              new Conditioning.ImageUse(inputs.get(SEEN), inputs.get(strength), inputs.get(noise));
          return NodeResult.of(
              use.strength() == 0
                  ? inputs.get(CONDITIONING)
                  : inputs.get(CONDITIONING).map(entry -> entry.withImage(use)));
        });
  }
}
