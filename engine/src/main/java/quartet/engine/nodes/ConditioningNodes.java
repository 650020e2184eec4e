package quartet.engine.nodes;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import quartet.engine.model.TextEncoder;
import quartet.engine.model.blocks.ModelErrorCode;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.Conditioning;
import quartet.engine.value.MaskBatch;
import quartet.engine.value.ModelRefs;
import quartet.errors.EngineException;

/** Nodes that change where, when and how encoded texts act. */
final class ConditioningNodes {
  private static final int PIXELS_PER_LATENT = 8;
  private static final int MAX = CoreNodes.MAX_RESOLUTION;

  private static final Input.SocketInput<Conditioning> CONDITIONING =
      Input.socket("conditioning", PortType.CONDITIONING);
  private static final Input.SocketInput<Conditioning> TO =
      Input.socket("conditioning_to", PortType.CONDITIONING);
  private static final Input.SocketInput<Conditioning> FROM =
      Input.socket("conditioning_from", PortType.CONDITIONING);
  private static final Input.SocketInput<ModelRefs.ClipRef> CLIP =
      Input.socket("clip", PortType.CLIP);
  private static final Input.FloatInput STRENGTH = Input.fraction("strength", 1.0, 0, 10, 0.01);

  private ConditioningNodes() {}

  static List<Node> all() {
    return List.of(
        combine(),
        average(),
        concat(),
        setArea(),
        setAreaPercentage(),
        setAreaStrength(),
        setMask(),
        timestepRange(),
        zeroOut(),
        encodeSdxl(),
        encodeRefiner(),
        encodeFlux(),
        fluxGuidance());
  }

  private static NodeSchema.Builder schema(String name, String display, String category) {
    return NodeSchema.named(name)
        .display(display)
        .category(category)
        .returns(PortType.CONDITIONING);
  }

  private static Node combine() {
    Input.SocketInput<Conditioning> first = Input.socket("conditioning_1", PortType.CONDITIONING);
    Input.SocketInput<Conditioning> second = Input.socket("conditioning_2", PortType.CONDITIONING);
    return FunctionNode.of(
        schema("ConditioningCombine", "Conditioning (Combine)", "conditioning")
            .description("Both texts act at once; their predictions are averaged.")
            .required(first, second),
        (inputs, context) -> {
          List<Conditioning.Entry> both = new ArrayList<>(inputs.get(first).entries());
          both.addAll(inputs.get(second).entries());
          return NodeResult.of(new Conditioning(both));
        });
  }

  private static Node average() {
    Input.FloatInput share = Input.fraction("conditioning_to_strength", 1.0, 0, 1, 0.01);
    return FunctionNode.of(
        schema("ConditioningAverage", "ConditioningAverage", "conditioning")
            .description("Mixes the numbers of two encoded texts.")
            .required(TO, FROM, share),
        (inputs, context) -> {
          float to = inputs.get(share).floatValue();
          Conditioning.Entry other = inputs.get(FROM).entries().getFirst();
          return NodeResult.of(inputs.get(TO).map(entry -> mixed(entry, other, to)));
        });
  }

  /** Beyond the other's end it counts as zeros. */
  private static Conditioning.Entry mixed(
      Conditioning.Entry entry, Conditioning.Entry other, float share) {
    float[] tokens = mixed(entry.tokens(), other.tokens(), share);
    float[] pooled = entry.pooled();
    float[] otherPooled = other.pooled();
    float[] summary =
        pooled == null
            ? otherPooled
            : otherPooled == null ? pooled : mixed(pooled, otherPooled, share);
    return entry.withTokens(tokens, entry.tokenCount(), summary);
  }

  private static float[] mixed(float[] to, float[] from, float share) {
    float[] out = new float[to.length];
    for (int i = 0; i < out.length; i++) {
      float other = i < from.length ? from[i] : 0f;
      out[i] = to[i] * share + other * (1f - share);
    }
    return out;
  }

  private static Node concat() {
    return FunctionNode.of(
        schema("ConditioningConcat", "Conditioning (Concat)", "conditioning")
            .description("One text behind the other, as if they were one long text.")
            .required(TO, FROM),
        (inputs, context) -> {
          Conditioning.Entry behind = inputs.get(FROM).entries().getFirst();
          return NodeResult.of(inputs.get(TO).map(entry -> joined(entry, behind)));
        });
  }

  static Conditioning.Entry joined(Conditioning.Entry entry, Conditioning.Entry behind) {
    if (entry.width() != behind.width()) {
      throw new IllegalArgumentException(
          "texts of %d and %d numbers a token cannot be joined: they come from different models' text encoders"
              .formatted(entry.width(), behind.width()));
    }
    float[] tokens =
        java.util.Arrays.copyOf(entry.tokens(), entry.tokens().length + behind.tokens().length);
    System.arraycopy(behind.tokens(), 0, tokens, entry.tokens().length, behind.tokens().length);
    return entry.withTokens(tokens, entry.tokenCount() + behind.tokenCount(), entry.pooled());
  }

  private static Node setArea() {
    Input.IntInput width = Input.integer("width", 64, 64, MAX, 8);
    Input.IntInput height = Input.integer("height", 64, 64, MAX, 8);
    Input.IntInput x = Input.integer("x", 0, 0, MAX, 8);
    Input.IntInput y = Input.integer("y", 0, 0, MAX, 8);
    return FunctionNode.of(
        schema("ConditioningSetArea", "Conditioning (Set Area)", "conditioning")
            .description("The text acts in a rectangle of the picture only.")
            .required(CONDITIONING, width, height, x, y, STRENGTH),
        (inputs, context) ->
            inArea(
                inputs.get(CONDITIONING),
                new Conditioning.Area.Pixels(
                    inputs.getInt(height) / PIXELS_PER_LATENT,
                    inputs.getInt(width) / PIXELS_PER_LATENT,
                    inputs.getInt(y) / PIXELS_PER_LATENT,
                    inputs.getInt(x) / PIXELS_PER_LATENT),
                inputs.get(STRENGTH)));
  }

  private static Node setAreaPercentage() {
    Input.FloatInput width = Input.fraction("width", 1.0, 0, 1, 0.01);
    Input.FloatInput height = Input.fraction("height", 1.0, 0, 1, 0.01);
    Input.FloatInput x = Input.fraction("x", 0, 0, 1, 0.01);
    Input.FloatInput y = Input.fraction("y", 0, 0, 1, 0.01);
    return FunctionNode.of(
        schema(
                "ConditioningSetAreaPercentage",
                "Conditioning (Set Area with Percentage)",
                "conditioning")
            .description("The text acts in a rectangle, given in shares of the picture.")
            .required(CONDITIONING, width, height, x, y, STRENGTH),
        (inputs, context) ->
            inArea(
                inputs.get(CONDITIONING),
                new Conditioning.Area.Shares(
                    inputs.get(height), inputs.get(width), inputs.get(y), inputs.get(x)),
                inputs.get(STRENGTH)));
  }

  private static NodeResult inArea(
      Conditioning conditioning, Conditioning.Area area, double strength) {
    return NodeResult.of(
        conditioning.map(entry -> entry.withReach(entry.reach().within(area, strength))));
  }

  private static Node setAreaStrength() {
    return FunctionNode.of(
        schema("ConditioningSetAreaStrength", "ConditioningSetAreaStrength", "conditioning")
            .description("How much the text counts beside others.")
            .required(CONDITIONING, STRENGTH),
        (inputs, context) ->
            NodeResult.of(
                inputs
                    .get(CONDITIONING)
                    .map(
                        entry ->
                            entry.withReach(entry.reach().withStrength(inputs.get(STRENGTH))))));
  }

  private static Node setMask() {
    Input.SocketInput<MaskBatch> mask = Input.socket("mask", PortType.MASK);
    Input.ComboInput bounds = Input.choice("set_cond_area", "default", "mask bounds");
    return FunctionNode.of(
        schema("ConditioningSetMask", "Conditioning (Set Mask)", "conditioning")
            .description("The text acts as much as a mask says, place by place.")
            .required(CONDITIONING, mask, STRENGTH, bounds),
        (inputs, context) -> {
          Conditioning.MaskReach reach =
              new Conditioning.MaskReach(
                  inputs.get(mask),
                  inputs.get(STRENGTH).floatValue(),
                  inputs.get(bounds).equals("mask bounds"));
          return NodeResult.of(
              inputs.get(CONDITIONING).map(entry -> entry.withReach(entry.reach().under(reach))));
        });
  }

  private static Node timestepRange() {
    Input.FloatInput start = Input.fraction("start", 0, 0, 1, 0.001);
    Input.FloatInput end = Input.fraction("end", 1, 0, 1, 0.001);
    return FunctionNode.of(
        schema(
                "ConditioningSetTimestepRange",
                "ConditioningSetTimestepRange",
                "advanced/conditioning")
            .description("The text acts in a part of the run only; 0 is its beginning.")
            .required(CONDITIONING, start, end),
        (inputs, context) ->
            NodeResult.of(
                inputs
                    .get(CONDITIONING)
                    .map(
                        entry ->
                            entry.withReach(
                                entry.reach().between(inputs.get(start), inputs.get(end))))));
  }

  private static Node zeroOut() {
    return FunctionNode.of(
        schema("ConditioningZeroOut", "ConditioningZeroOut", "advanced/conditioning")
            .description("A text whose numbers are all zero.")
            .required(CONDITIONING),
        (inputs, context) ->
            NodeResult.of(
                inputs
                    .get(CONDITIONING)
                    .map(
                        entry -> {
                          float[] pooled = entry.pooled();
                          return entry.withTokens(
                              new float[entry.tokens().length],
                              entry.tokenCount(),
                              pooled == null ? null : new float[pooled.length]);
                        })));
  }

  /** The figure is for models that were distilled with one; no model that runs here reads it. */
  private static Node fluxGuidance() {
    Input.FloatInput guidance = Input.fraction("guidance", 3.5, 0, 100, 0.1);
    return FunctionNode.of(
        schema("FluxGuidance", "FluxGuidance", "advanced/conditioning/flux")
            .extra("nodes_flux")
            .newer()
            .description("Tells a Flux model how strongly to follow the text; others ignore it.")
            .required(CONDITIONING, guidance),
        (inputs, context) -> NodeResult.of(inputs.get(CONDITIONING)));
  }

  /**
   * No text encoder that is read here has a T5 in it, and half a conditioning is worse than none.
   */
  private static Node encodeFlux() {
    Input.StringInput textL = Input.prompt("clip_l");
    Input.StringInput textT5 = Input.prompt("t5xxl");
    Input.FloatInput guidance = Input.fraction("guidance", 3.5, 0, 100, 0.1);
    return FunctionNode.of(
        schema("CLIPTextEncodeFlux", "CLIPTextEncodeFlux", "advanced/conditioning/flux")
            .extra("nodes_flux")
            .newer()
            .description("Encodes a text for each of Flux's encoders, CLIP-L and T5-XXL.")
            .required(CLIP, textL, textT5, guidance),
        (inputs, context) -> {
          TextEncoder encoder = context.models().textEncoder(inputs.get(CLIP));
          throw new EngineException(
              ModelErrorCode.MODEL_INPUT_UNFIT,
              "CLIPTextEncodeFlux needs a text encoder of CLIP-L and T5-XXL, as Flux has; the linked one is %s. Use %s for it."
                  .formatted(
                      encoder.family(),
                      encoder.isDouble() ? "CLIPTextEncodeSDXL" : "CLIPTextEncode"));
        });
  }

  private static Node encodeSdxl() {
    Input.IntInput width = Input.integer("width", 1024, 0, MAX, 1);
    Input.IntInput height = Input.integer("height", 1024, 0, MAX, 1);
    Input.IntInput cropW = Input.integer("crop_w", 0, 0, MAX, 1);
    Input.IntInput cropH = Input.integer("crop_h", 0, 0, MAX, 1);
    Input.IntInput targetWidth = Input.integer("target_width", 1024, 0, MAX, 1);
    Input.IntInput targetHeight = Input.integer("target_height", 1024, 0, MAX, 1);
    Input.StringInput textG = Input.prompt("text_g");
    Input.StringInput textL = Input.prompt("text_l");
    return FunctionNode.of(
        schema("CLIPTextEncodeSDXL", "CLIPTextEncodeSDXL", "advanced/conditioning")
            .extra("nodes_clip_sdxl")
            .newer()
            .description(
                "Encodes a text for each of SDXL's encoders and tells it the picture's size.")
            .required(CLIP, width, height, cropW, cropH, targetWidth, targetHeight, textG, textL),
        (inputs, context) -> {
          Conditioning.SizeHint size =
              new Conditioning.SizeHint(
                  inputs.getInt(height),
                  inputs.getInt(width),
                  inputs.getInt(cropH),
                  inputs.getInt(cropW),
                  inputs.getInt(targetHeight),
                  inputs.getInt(targetWidth),
                  Optional.empty());
          ModelRefs.ClipRef clip = inputs.get(CLIP);
          Conditioning encoded =
              context
                  .models()
                  .textEncoder(clip)
                  .encode(
                      inputs.get(textL),
                      inputs.get(textG),
                      clip.stopAtLayer(),
                      name -> context.files().findModel("embeddings", name));
          return NodeResult.of(encoded.map(entry -> entry.withSize(size)));
        });
  }

  private static Node encodeRefiner() {
    Input.FloatInput score = Input.fraction("ascore", 6.0, 0, 1000, 0.01);
    Input.IntInput width = Input.integer("width", 1024, 0, MAX, 1);
    Input.IntInput height = Input.integer("height", 1024, 0, MAX, 1);
    Input.StringInput text = Input.prompt("text");
    return FunctionNode.of(
        schema("CLIPTextEncodeSDXLRefiner", "CLIPTextEncodeSDXLRefiner", "advanced/conditioning")
            .extra("nodes_clip_sdxl")
            .newer()
            .description("Encodes a text for SDXL's refiner and tells it size and aesthetic score.")
            .required(score, width, height, text, CLIP),
        (inputs, context) -> {
          int h = inputs.getInt(height);
          int w = inputs.getInt(width);
          Conditioning.SizeHint size =
              new Conditioning.SizeHint(h, w, 0, 0, h, w, Optional.of(inputs.get(score)));
          ModelRefs.ClipRef clip = inputs.get(CLIP);
          Conditioning encoded =
              context
                  .models()
                  .textEncoder(clip)
                  .encode(
                      inputs.get(text),
                      clip.stopAtLayer(),
                      name -> context.files().findModel("embeddings", name));
          return NodeResult.of(encoded.map(entry -> entry.withSize(size)));
        });
  }
}
