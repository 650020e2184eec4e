package quartet.cluster.placement;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class PromptWorkTest {
  private static final String PROMPT =
      """
      {"3":{"class_type":"KSampler","inputs":{"steps":20,"seed":1,"latent_image":["5",0],"model":["4",0]}},
       "4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"a"}},
       "5":{"class_type":"EmptyLatentImage","inputs":{"width":1024,"height":512,"batch_size":3}}}
      """;

  private static PromptWork work(String json) throws JsonProcessingException {
    return PromptWork.of((ObjectNode) new JsonMapper().readTree(json), Set.of("a"));
  }

  @Test
  void stepsTimesPixelsTimesBatch() throws JsonProcessingException {
    assertThat(work(PROMPT).units()).isEqualTo(20 * 2 * 3);
    assertThat(work(PROMPT).images()).isEqualTo(6);
    String part =
        PROMPT.replace("\"steps\":20", "\"steps\":20,\"start_at_step\":15,\"end_at_step\":10000");
    assertThat(work(part).units()).isEqualTo(5 * 6);
    assertThat(work("{\"1\":{\"class_type\":\"SaveImage\",\"inputs\":{}}}").units()).isZero();
  }

  @Test
  void equalSamplingsAreFoundUnderOtherIds() throws JsonProcessingException {
    PromptWork one = work(PROMPT);
    PromptWork renamed = work(PROMPT.replace("\"5\"", "\"55\"").replace("\"3\"", "\"33\""));
    assertThat(renamed.stages()).isEqualTo(one.stages());
    assertThat(renamed.unitsWithout(one.stages().keySet())).isZero();
    PromptWork other = work(PROMPT.replace("\"seed\":1", "\"seed\":2"));
    assertThat(other.unitsWithout(one.stages().keySet())).isEqualTo(120);
  }

  @Test
  void timesAreLearnedAndBorrowedFromTheNearest() throws JsonProcessingException {
    StepTimes times = new StepTimes();
    PromptWork work = work(PROMPT);
    assertThat(times.seconds(0, work, 120)).isEqualTo(StepTimes.DEFAULT_SECONDS);
    times.learn(0, work, 120, true, 12);
    assertThat(times.seconds(0, work, 60)).isEqualTo(6.0);
    assertThat(times.seconds(3, work, 60)).as("the same model elsewhere").isEqualTo(6.0);
    times.learn(0, work, 120, false, 15);
    assertThat(times.loadSeconds(0, work)).isEqualTo(3.0);
    assertThat(times.seconds(0, work, 60)).as("loading is not computing").isEqualTo(6.0);
    for (int i = 0; i < 20; i++) {
      times.learn(0, work, 120, true, 24);
    }
    assertThat(times.seconds(0, work, 60)).isBetween(11.9, 12.0);
  }
}
