package quartet.api.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import quartet.api.wire.JobJson;
import quartet.api.wire.Json;

/**
 * Which jobs are wanted, in which order. Pure.
 *
 * @param workflowId only of this workflow; empty for all
 * @param limit at most so many; negative for all
 */
record JobQuery(
    Set<JobJson.Status> statuses,
    String workflowId,
    boolean byDuration,
    boolean ascending,
    int limit,
    int offset) {

  /** A parameter that cannot be read; the message names it. */
  static final class Wrong extends Exception {
    private static final long serialVersionUID = 1L;

    Wrong(String message) {
      super(message);
    }
  }

  static JobQuery of(Map<String, String> query) throws Wrong {
    String sort = query.getOrDefault("sort_by", "created_at");
    String order = query.getOrDefault("sort_order", "desc");
    if (!List.of("created_at", "execution_duration").contains(sort)) {
      throw new Wrong("sort_by must be created_at or execution_duration, not '" + sort + "'");
    }
    if (!List.of("asc", "desc").contains(order)) {
      throw new Wrong("sort_order must be asc or desc, not '" + order + "'");
    }
    int limit = -1;
    if (query.containsKey("limit")) {
      limit = number("limit", query);
      if (limit <= 0) {
        throw new Wrong("limit must be above 0");
      }
    }
    int offset = query.containsKey("offset") ? Math.max(0, number("offset", query)) : 0;
    return new JobQuery(
        statuses(query.getOrDefault("status", "")),
        query.getOrDefault("workflow_id", ""),
        sort.equals("execution_duration"),
        order.equals("asc"),
        limit,
        offset);
  }

  private static int number(String name, Map<String, String> query) throws Wrong {
    String text = query.getOrDefault(name, "");
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw new Wrong(name + " must be a whole number, not '" + text + "'");
    }
  }

  private static Set<JobJson.Status> statuses(String text) throws Wrong {
    Set<JobJson.Status> wanted = EnumSet.noneOf(JobJson.Status.class);
    for (String name : text.split(",", -1)) {
      if (!name.isBlank()) {
        wanted.add(
            Stream.of(JobJson.Status.values())
                .filter(status -> status.text().equals(name.strip()))
                .findFirst()
                .orElseThrow(() -> new Wrong("there is no status '" + name.strip() + "'")));
      }
    }
    return wanted.isEmpty() ? EnumSet.allOf(JobJson.Status.class) : wanted;
  }

  /** The wanted page of these jobs. */
  ObjectNode page(List<JobJson> all) {
    Comparator<JobJson> order =
        Comparator.comparingLong(job -> byDuration ? job.duration() : job.created());
    List<JobJson> wanted =
        all.stream()
            .filter(job -> statuses.contains(job.status()))
            .filter(
                job ->
                    workflowId.isEmpty()
                        || job.json().path("workflow_id").asText().equals(workflowId))
            .sorted(ascending ? order : order.reversed())
            .toList();
    int from = Math.min(offset, wanted.size());
    int to = limit < 0 ? wanted.size() : (int) Math.min(wanted.size(), (long) from + limit);
    ObjectNode json = Json.object();
    ArrayNode jobs = json.putArray("jobs");
    wanted.subList(from, to).forEach(job -> jobs.add(job.json()));
    ObjectNode pagination = json.putObject("pagination").put("offset", offset);
    pagination.put("limit", limit < 0 ? wanted.size() : limit);
    pagination.put("total", wanted.size()).put("has_more", to < wanted.size());
    return json;
  }
}
