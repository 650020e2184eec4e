package quartet.cluster.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What must hold whatever happens, over thousands of seeds. */
final class SimulationTest {
  private static final int SEEDS = Integer.getInteger("quartet.test.simulations", 3000);
  private static final long FIRST = Long.getLong("quartet.test.seed", 1);

  private static List<Arrival> trace(Random random, int devices) {
    List<Arrival> trace = new ArrayList<>();
    double at = 0;
    int prompts = 20 + random.nextInt(60);
    int models = 1 + random.nextInt(3);
    for (int i = 0; i < prompts; i++) {
      at += random.nextInt(4) == 0 ? random.nextDouble() * 2 : 0.01;
      trace.add(
          new Arrival(
              at,
              "p" + i,
              "client-" + random.nextInt(3),
              "model-" + random.nextInt(models),
              0.2 + random.nextDouble() * 2,
              random.nextInt(5) == 0 ? random.nextInt(devices) : null));
    }
    return trace;
  }

  private static World world(Random random) {
    List<Double> speeds = new ArrayList<>();
    int devices = 1 + random.nextInt(4);
    for (int i = 0; i < devices; i++) {
      speeds.add(random.nextBoolean() ? 1.0 : 0.5);
    }
    return new World(
        1 + random.nextInt(3),
        speeds,
        random.nextInt(3) * 0.5,
        1 + random.nextInt(2),
        random.nextInt(3) * 0.5,
        random.nextInt(3) * 0.1,
        random.nextInt(2) * 15.0,
        random.nextInt(2) * 10.0,
        random.nextInt(2) * 10.0,
        random.nextInt(2) * 1.0,
        1);
  }

  @Test
  void nothingIsLostOrDoneTwiceAndNoDeviceIdlesWithoutReason() {
    for (long seed = FIRST; seed < FIRST + SEEDS; seed++) {
      Random random = new Random(seed);
      World world = world(random);
      List<Arrival> trace = trace(random, world.speeds().size());
      Outcome outcome = new Simulation(seed, world).run(trace);
      assertThat(outcome.ended() + outcome.cancelled()).as("seed %d", seed).isEqualTo(trace.size());
    }
  }

  @Test
  void theSameSeedIsTheSameRun() {
    Random random = new Random(7);
    World world = world(random);
    List<Arrival> trace = trace(random, world.speeds().size());
    Outcome once = new Simulation(7, world).run(trace);
    assertThat(new Simulation(7, world).run(trace)).isEqualTo(once);
  }

  @Test
  void twoModelsOverFourDevicesAreSwappedAtMostOncePerDevice() {
    for (long seed = FIRST; seed < FIRST + 300; seed++) {
      Random random = new Random(seed);
      List<Arrival> trace = new ArrayList<>();
      for (int i = 0; i < 80; i++) {
        trace.add(
            new Arrival(i * 0.001, "p" + i, "c", random.nextBoolean() ? "sd15" : "sdxl", 1, null));
      }
      Outcome outcome =
          new Simulation(seed, World.calm(1, List.of(1.0, 1.0, 1.0, 1.0), 2, 1)).run(trace);
      assertThat(outcome.loads().values())
          .as("seed %d: the first model of each device, and at most one swap", seed)
          .allMatch(loads -> loads <= 2);
    }
  }

  @Test
  void aClientWithAThousandPromptsDelaysAnotherByAtMostOnePromptPerDevice() {
    List<Arrival> trace = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      trace.add(new Arrival(i * 0.0001, "many-" + i, "many", "m", 1, null));
    }
    trace.add(new Arrival(50.3, "single", "other", "m", 1, null));
    Outcome outcome =
        new Simulation(1, World.calm(1, List.of(1.0, 1.0, 1.0, 1.0), 1, 1)).run(trace);
    int at = outcome.starts().indexOf("single");
    long before =
        outcome.starts().subList(0, at).stream()
            .filter(id -> Integer.parseInt(id.substring(5)) >= 0)
            .count();
    assertThat(before)
        .as("running ones have begun before it came; at most 4 may begin after")
        .isBetween(150L, 210L);
    double wait = outcome.waitSeconds().stream().sorted().toList().getFirst();
    assertThat(wait).isLessThan(1.2);
  }

  @Test
  void fourDevicesDoFourTimesTheWork() {
    Outcome one = new Simulation(1, World.calm(1, List.of(1.0), 0, 1)).run(burst(10));
    Outcome four =
        new Simulation(1, World.calm(1, List.of(1.0, 1.0, 1.0, 1.0), 0, 1)).run(burst(40));
    assertThat(40 / four.seconds() / (10 / one.seconds())).isGreaterThan(3.8);
    assertThat(four.busyShare()).isGreaterThan(0.97);
  }

  private static List<Arrival> burst(int prompts) {
    List<Arrival> trace = new ArrayList<>();
    for (int i = 0; i < prompts; i++) {
      trace.add(new Arrival(0.001 * i, "p" + i, "c", "m", 1, null));
    }
    return trace;
  }
}
