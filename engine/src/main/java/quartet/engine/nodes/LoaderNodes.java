package quartet.engine.nodes;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import quartet.engine.model.lora.LoraFile;
import quartet.engine.node.Catalog;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.ModelOptions;
import quartet.engine.value.ModelRefs;
import quartet.engine.value.PartSource;
import quartet.safetensors.SafetensorsFile;

/** Nodes that name files: parts of models alone, and changes to them. */
final class LoaderNodes {
  private static final List<String> TINY = List.of("taesd", "taesdxl");

  /** A VAE without a file, whose latents are the pictures themselves. */
  private static final String PIXELS = "pixel_space";

  private static final Input.SocketInput<ModelRefs.ModelRef> MODEL =
      Input.socket("model", PortType.MODEL);
  private static final Input.SocketInput<ModelRefs.ClipRef> CLIP =
      Input.socket("clip", PortType.CLIP);
  private static final Input.ComboInput LORA =
      Input.choice("lora_name", catalog -> catalog.models("loras"));
  private static final Input.FloatInput STRENGTH_MODEL =
      Input.fraction("strength_model", 1.0, -100, 100, 0.01);
  private static final Input.FloatInput STRENGTH_CLIP =
      Input.fraction("strength_clip", 1.0, -100, 100, 0.01);

  private LoaderNodes() {}

  static List<Node> all() {
    return List.of(
        vae(), lora(), loraModelOnly(), unet(), clip(), dualClip(), controlNet(), upscaler());
  }

  private static Node vae() {
    Input.ComboInput name = Input.choice("vae_name", LoaderNodes::vaeNames);
    return FunctionNode.of(
        NodeSchema.named("VAELoader")
            .display("Load VAE")
            .category("loaders")
            .description(
                "Loads a VAE of its own, a tiny one for quick pictures, or one whose latents are the pixels.")
            .required(name)
            .returns(PortType.VAE),
        (inputs, context) -> {
          String chosen = inputs.get(name);
          ModelRefs.VaeRef ref = vae(chosen, context);
          context.models().vae(ref);
          return NodeResult.of(ref);
        });
  }

  private static ModelRefs.VaeRef vae(String chosen, NodeContext context) {
    if (chosen.equals(PIXELS)) {
      return new ModelRefs.VaeRef.Pixels();
    }
    return TINY.contains(chosen)
        ? new ModelRefs.VaeRef.Stored(new PartSource.Files(tinyFiles(chosen, context)))
        : ModelRefs.VaeRef.of(context.files().model("vae", chosen));
  }

  private static List<String> vaeNames(Catalog catalog) {
    List<String> names = new ArrayList<>(catalog.models("vae"));
    List<String> approximate = catalog.models("vae_approx");
    for (String tiny : TINY) {
      boolean both =
          List.of("_decoder", "_encoder").stream()
              .allMatch(
                  half ->
                      SamplingPreview.SUFFIXES.stream()
                          .anyMatch(suffix -> approximate.contains(tiny + half + suffix)));
      if (both) {
        names.add(tiny);
      }
    }
    names.add(PIXELS);
    return names;
  }

  private static List<Path> tinyFiles(String name, NodeContext context) {
    return List.of("_decoder", "_encoder").stream()
        .map(
            half ->
                SamplingPreview.SUFFIXES.stream()
                    .flatMap(
                        suffix ->
                            context.files().findModel("vae_approx", name + half + suffix).stream())
                    .findFirst()
                    .orElseGet(
                        () -> context.files().model("vae_approx", name + half + ".safetensors")))
        .toList();
  }

  private static Node lora() {
    return FunctionNode.of(
        NodeSchema.named("LoraLoader")
            .display("Load LoRA")
            .category("loaders")
            .description("Changes a model and its text encoder by a LoRA. Several can be chained.")
            .required(MODEL, CLIP, LORA, STRENGTH_MODEL, STRENGTH_CLIP)
            .returns(PortType.MODEL)
            .returns(PortType.CLIP),
        (inputs, context) -> {
          Path file = context.files().model("loras", inputs.get(LORA));
          ModelRefs.ModelRef model = inputs.get(MODEL);
          ModelRefs.ClipRef clip = inputs.get(CLIP);
          // What it does not touch stays the part that other prompts use.
          try (SafetensorsFile opened = SafetensorsFile.open(file)) {
            LoraFile lora = LoraFile.of(opened);
            return NodeResult.of(
                lora.changesModel() ? changed(model, file, inputs.get(STRENGTH_MODEL)) : model,
                lora.changesText() ? changed(clip, file, inputs.get(STRENGTH_CLIP)) : clip);
          }
        });
  }

  private static Node loraModelOnly() {
    return FunctionNode.of(
        NodeSchema.named("LoraLoaderModelOnly")
            .display("LoraLoaderModelOnly")
            .category("loaders")
            .description("Changes a model by a LoRA and leaves the text encoder as it is.")
            .required(MODEL, LORA, STRENGTH_MODEL)
            .returns(PortType.MODEL),
        (inputs, context) ->
            NodeResult.of(
                changed(
                    inputs.get(MODEL),
                    context.files().model("loras", inputs.get(LORA)),
                    inputs.get(STRENGTH_MODEL))));
  }

  private static ModelRefs.ModelRef changed(ModelRefs.ModelRef model, Path lora, double strength) {
    return strength == 0
        ? model
        : new ModelRefs.ModelRef(
            new PartSource.WithLora(model.source(), lora, strength), model.options());
  }

  private static ModelRefs.ClipRef changed(ModelRefs.ClipRef clip, Path lora, double strength) {
    return strength == 0
        ? clip
        : new ModelRefs.ClipRef(
            new PartSource.WithLora(clip.source(), lora, strength), clip.stopAtLayer());
  }

  private static Node unet() {
    Input.ComboInput name =
        Input.choice("unet_name", catalog -> catalog.models("diffusion_models"));
    Input.ComboInput dtype =
        Input.choice("weight_dtype", "default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2");
    return FunctionNode.of(
        NodeSchema.named("UNETLoader")
            .display("Load Diffusion Model")
            .category("advanced/loaders")
            .description(
                "Loads a denoising network of its own. Weights are kept in the device's own precision whatever weight_dtype says.")
            .required(name, dtype)
            .returns(PortType.MODEL),
        (inputs, context) -> {
          Path file = context.files().model("diffusion_models", inputs.get(name));
          context.models().requireCheckpoint(file);
          return NodeResult.of(new ModelRefs.ModelRef(PartSource.of(file), ModelOptions.NONE));
        });
  }

  private static Node clip() {
    Input.ComboInput name = Input.choice("clip_name", catalog -> catalog.models("text_encoders"));
    Input.ComboInput type =
        Input.choice(
            "type",
            "stable_diffusion",
            "stable_cascade",
            "sd3",
            "stable_audio",
            "mochi",
            "ltxv",
            "pixart",
            "cosmos",
            "lumina2",
            "wan",
            "hidream",
            "chroma",
            "ace",
            "omnigen2",
            "qwen_image",
            "hunyuan_image",
            "flux2");
    return FunctionNode.of(
        NodeSchema.named("CLIPLoader")
            .display("Load CLIP")
            .category("advanced/loaders")
            .description(
                "Loads a text encoder of its own: CLIP-L, OpenCLIP-H or OpenCLIP-bigG, told by its layers.")
            .required(name, type)
            .optional(Input.choice("device", "default", "cpu"))
            .returns(PortType.CLIP),
        (inputs, context) ->
            clip(List.of(context.files().model("text_encoders", inputs.get(name))), context));
  }

  private static Node dualClip() {
    Input.ComboInput first = Input.choice("clip_name1", catalog -> catalog.models("text_encoders"));
    Input.ComboInput second =
        Input.choice("clip_name2", catalog -> catalog.models("text_encoders"));
    Input.ComboInput type =
        Input.choice(
            "type",
            "sdxl",
            "sd3",
            "flux",
            "hunyuan_video",
            "hidream",
            "hunyuan_image",
            "hunyuan_video_15",
            "kandinsky5",
            "kandinsky5_image");
    return FunctionNode.of(
        NodeSchema.named("DualCLIPLoader")
            .display("DualCLIPLoader")
            .category("advanced/loaders")
            .description(
                "Loads two text encoders for one model: CLIP-L and OpenCLIP-bigG for SDXL.")
            .required(first, second, type)
            .optional(Input.choice("device", "default", "cpu"))
            .returns(PortType.CLIP),
        (inputs, context) ->
            clip(
                List.of(
                    context.files().model("text_encoders", inputs.get(first)),
                    context.files().model("text_encoders", inputs.get(second))),
                context));
  }

  private static NodeResult clip(List<Path> files, NodeContext context) {
    ModelRefs.ClipRef ref = new ModelRefs.ClipRef(new PartSource.Files(files), 0);
    context.models().textEncoder(ref);
    return NodeResult.of(ref);
  }

  private static Node controlNet() {
    Input.ComboInput name =
        Input.choice("control_net_name", catalog -> catalog.models("controlnet"));
    return FunctionNode.of(
        NodeSchema.named("ControlNetLoader")
            .display("Load ControlNet Model")
            .category("loaders")
            .description("Loads a ControlNet or a T2I-Adapter.")
            .required(name)
            .returns(PortType.CONTROL_NET),
        (inputs, context) -> {
          ModelRefs.ControlRef ref =
              new ModelRefs.ControlRef(context.files().model("controlnet", inputs.get(name)));
          context.models().control(ref);
          return NodeResult.of(ref);
        });
  }

  private static Node upscaler() {
    Input.ComboInput name =
        Input.options("model_name", catalog -> catalog.models("upscale_models"));
    return FunctionNode.of(
        NodeSchema.named("UpscaleModelLoader")
            .display("Load Upscale Model")
            .category("loaders")
            .extra("nodes_upscale_model")
            .newer()
            .description("Loads an upscale model of ESRGAN's family.")
            .required(name)
            .returns(PortType.UPSCALE_MODEL),
        (inputs, context) -> {
          ModelRefs.UpscalerRef ref =
              new ModelRefs.UpscalerRef(context.files().model("upscale_models", inputs.get(name)));
          context.models().upscaler(ref);
          return NodeResult.of(ref);
        });
  }
}
