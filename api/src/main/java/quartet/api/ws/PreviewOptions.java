package quartet.api.ws;

import quartet.engine.node.PreviewMethod;

/**
 * Pictures while sampling.
 *
 * @param method for prompts that do not say
 * @param side longer side in pixels
 */
public record PreviewOptions(PreviewMethod method, int side) {}
