package quartet.engine.model.lora;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import quartet.engine.model.blocks.Weights;
import quartet.engine.model.clip.ClipKind;
import quartet.engine.model.layout.DiffusersNames;

/**
 * The names under which trainers write a change to one of our modules. Source: kohya-ss/sd-scripts,
 * huggingface/diffusers and KohakuBlueleaf/LyCORIS output as published.
 */
public interface LoraNames {
  /**
   * Names of a module, for example {@code input_blocks.1.1.proj_in}, in the order in which they are
   * looked for.
   */
  List<String> of(String module);

  /** Of a UNet's modules. */
  static LoraNames ofUNet(Weights unet) {
    int residuals = DiffusersNames.residualsPerLevel(unet);
    return module -> {
      String theirs = DiffusersNames.fromOurs(module, residuals);
      String processor = theirs.replace(".to_", ".processor.to_");
      processor = processor.replaceFirst("\\.to_out\\.0$", ".to_out");
      return List.of(
          "lora_unet_" + underscored(module),
          "diffusion_model." + module,
          "model.diffusion_model." + module,
          "lora_unet_" + underscored(theirs),
          "lycoris_" + underscored(theirs),
          "unet." + theirs,
          theirs,
          "unet." + processor,
          processor);
    };
  }

  /** Of the modules of one text encoder or two. */
  static LoraNames ofText(Weights text) {
    Set<String> all = text.names();
    boolean two =
        all.stream().anyMatch(name -> name.startsWith(ClipKind.L.prefix()))
            && all.stream().anyMatch(name -> name.startsWith(ClipKind.G.prefix()));
    return module -> {
      List<String> names = new ArrayList<>();
      for (ClipKind kind : ClipKind.values()) {
        if (module.startsWith(kind.prefix())) {
          boolean second = two && kind == ClipKind.G;
          String rest = module.substring(kind.prefix().length());
          String inModel = rest.equals("text_projection") ? rest : "text_model." + rest;
          String wide = underscored(inModel);
          if (second) {
            names.add("lora_te2_" + wide);
            names.add("text_encoder_2." + inModel);
          } else {
            names.add("lora_te_" + wide);
            names.add("lora_te1_" + wide);
            names.add("text_encoder." + inModel);
          }
          names.add("text_encoders." + kind.prefix() + "transformer." + inModel);
        }
      }
      return names;
    };
  }

  private static String underscored(String name) {
    return name.replace('.', '_');
  }
}
