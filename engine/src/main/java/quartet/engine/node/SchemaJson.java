package quartet.engine.node;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** Schemas in the form that {@code /object_info} and validation errors show them. */
public final class SchemaJson {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private SchemaJson() {}

  /** One entry of {@code /object_info}. Key order is the order of the widgets. */
  public static ObjectNode entry(NodeSchema schema, Catalog catalog) {
    ObjectNode entry = JSON.objectNode();
    ObjectNode input = entry.putObject("input");
    ObjectNode order = entry.putObject("input_order");
    group(input, order, "required", schema.required(), schema, catalog);
    group(input, order, "optional", schema.optional(), schema, catalog);
    if (!schema.hidden().isEmpty()) {
      ObjectNode hidden = input.putObject("hidden");
      ArrayNode names = order.putArray("hidden");
      for (NodeSchema.Hidden value : schema.hidden()) {
        if (schema.form() == NodeSchema.Form.NEWER) {
          hidden.putArray(value.inputName()).add(value.typeName());
        } else {
          hidden.put(value.inputName(), value.typeName());
        }
        names.add(value.inputName());
      }
    }
    entry.put("is_input_list", schema.takesLists());
    ArrayNode types = entry.putArray("output");
    ArrayNode lists = entry.putArray("output_is_list");
    ArrayNode names = entry.putArray("output_name");
    for (NodeSchema.Output output : schema.outputs()) {
      types.add(output.type().name());
      lists.add(output.isList());
      names.add(output.name());
    }
    entry.put("name", schema.className());
    entry.put("display_name", schema.displayName());
    entry.put("description", schema.description());
    entry.put("python_module", schema.module());
    entry.put("category", schema.category());
    entry.put("output_node", schema.output());
    flags(entry, schema);
    return entry;
  }

  /** Newer nodes always say what they are not; the others only what they are. */
  private static void flags(ObjectNode entry, NodeSchema schema) {
    boolean newer = schema.form() == NodeSchema.Form.NEWER;
    if (newer || schema.deprecated()) {
      entry.put("deprecated", schema.deprecated());
    }
    if (newer || schema.experimental()) {
      entry.put("experimental", schema.experimental());
    }
    if (newer) {
      entry.put("api_node", false);
      ArrayNode tooltips = entry.putArray("output_tooltips");
      schema.outputs().forEach(output -> tooltips.addNull());
    }
  }

  private static void group(
      ObjectNode input,
      ObjectNode order,
      String name,
      java.util.List<Input<?>> inputs,
      NodeSchema schema,
      Catalog catalog) {
    if (inputs.isEmpty() && !name.equals("required")) {
      return;
    }
    ObjectNode group = input.putObject(name);
    ArrayNode names = order.putArray(name);
    for (Input<?> one : inputs) {
      ArrayNode config = config(one, catalog);
      if (schema.lazy().contains(one.name()) && config.get(1) instanceof ObjectNode options) {
        options.put("lazy", true);
      }
      group.set(one.name(), config);
      names.add(one.name());
    }
  }

  /** {@code [type, options]} of one input. */
  public static ArrayNode config(Input<?> input, Catalog catalog) {
    ArrayNode config = JSON.arrayNode();
    switch (input) {
      case Input.IntInput number -> {
        ObjectNode options = config.add(number.typeName()).addObject();
        options.put("default", number.defaultValue());
        options.put("min", number.min());
        options.put("max", number.max());
        if (number.step() != 1) {
          options.put("step", number.step());
        }
        if (number.controlAfterGenerate()) {
          options.put("control_after_generate", true);
        }
        if (number.display() != null) {
          options.put("display", number.display());
        }
      }
      case Input.FloatInput number -> {
        ObjectNode options = config.add(number.typeName()).addObject();
        options.put("default", number.defaultValue());
        options.put("min", number.min());
        options.put("max", number.max());
        options.put("step", number.step());
        if (number.round() != null) {
          if (number.round().isNaN()) {
            options.put("round", false);
          } else {
            options.put("round", number.round());
          }
        }
      }
      case Input.StringInput text -> {
        ObjectNode options = config.add(text.typeName()).addObject();
        if (!text.defaultValue().isEmpty()) {
          options.put("default", text.defaultValue());
        }
        if (text.multiline()) {
          options.put("multiline", true);
        }
        if (text.dynamicPrompts()) {
          options.put("dynamicPrompts", true);
        }
      }
      case Input.BooleanInput flag ->
          config.add(flag.typeName()).addObject().put("default", flag.defaultValue());
      case Input.ComboInput combo -> {
        ArrayNode choices;
        ObjectNode options;
        if (combo.listed()) {
          choices = config.addArray();
          options = config.addObject();
        } else {
          options = config.add(combo.typeName()).addObject();
          options.put("multiselect", false);
          choices = options.putArray("options");
        }
        combo.choices().in(catalog).forEach(choices::add);
        if (combo.defaultValue() != null) {
          options.put("default", combo.defaultValue());
        }
        if (combo.imageUpload()) {
          options.put("image_upload", true);
        }
      }
      case Input.RemoteImageInput image -> {
        ObjectNode options = config.add(image.typeName()).addObject();
        options.put("image_upload", true);
        options.put("image_folder", image.folder());
        options
            .putObject("remote")
            .put("route", image.route())
            .put("refresh_button", true)
            .put("control_after_refresh", "first");
      }
      case Input.SocketInput<?> socket -> config.add(socket.typeName()).addObject();
    }
    return config;
  }
}
