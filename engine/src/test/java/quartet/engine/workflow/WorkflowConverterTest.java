package quartet.engine.workflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import quartet.engine.fake.FakeCatalog;
import quartet.engine.fake.FakeNode;
import quartet.engine.fake.Json;
import quartet.engine.node.NodeRegistry;
import quartet.engine.nodes.CoreNodes;
import quartet.errors.EngineException;

/** What the editor saves becomes the prompt that the editor would have sent. */
class WorkflowConverterTest {
  private static final NodeRegistry REGISTRY = FakeNode.registry(new CoreNodes().nodes());
  private static final WorkflowConverter CONVERTER =
      new WorkflowConverter(REGISTRY, FakeCatalog.small());

  /** Text to image, with a node of every kind between the loader and the sampler. */
  private static final String WORKFLOW =
      """
      {'nodes':[
        {'id':4,'type':'CheckpointLoaderSimple','order':0,'mode':0,
         'outputs':[{'type':'MODEL'},{'type':'CLIP'},{'type':'VAE'}],'widgets_values':['a.safetensors']},
        {'id':5,'type':'EmptyLatentImage','order':1,'mode':0,'outputs':[{'type':'LATENT'}],
         'inputs':[{'name':'width','type':'INT','widget':{'name':'width'},'link':20}],
         'widgets_values':[512,768,2]},
        {'id':20,'type':'PrimitiveNode','order':2,'mode':0,'outputs':[{'type':'INT'}],
         'widgets_values':[640,'fixed']},
        {'id':21,'type':'Reroute','order':3,'mode':0,'inputs':[{'type':'*','link':1}],
         'outputs':[{'type':'CLIP'}]},
        {'id':22,'type':'CLIPSetLastLayer','order':4,'mode':%d,
         'inputs':[{'name':'clip','type':'CLIP','link':2}],
         'outputs':[{'type':'CLIP'}],'widgets_values':[-2]},
        {'id':6,'type':'CLIPTextEncode','title':'Good','order':5,'mode':0,
         'inputs':[{'name':'clip','type':'CLIP','link':3}],
         'outputs':[{'type':'CONDITIONING'}],'widgets_values':['a cat']},
        {'id':3,'type':'KSampler','order':6,'mode':0,
         'inputs':[{'name':'model','type':'MODEL','link':4},{'name':'positive','type':'CONDITIONING','link':5},
                   {'name':'negative','type':'CONDITIONING','link':6},{'name':'latent_image','type':'LATENT','link':7}],
         'outputs':[{'type':'LATENT'}],
         'widgets_values':[18446744073709551615,'randomize',20,8,'euler','normal',1]},
        {'id':30,'type':'MarkdownNote','order':7,'mode':0,'widgets_values':['words']},
        {'id':31,'type':'Nobody knows this','order':8,'mode':2}],
       'links':[[1,4,1,21,0,'CLIP'],[2,21,0,22,0,'CLIP'],[3,22,0,6,0,'CLIP'],[4,4,0,3,0,'MODEL'],
                [5,6,0,3,1,'CONDITIONING'],[6,6,0,3,2,'CONDITIONING'],[7,5,0,3,3,'LATENT'],
                [20,20,0,5,0,'INT']],
       'version':0.4}
      """;

  private static ObjectNode convert(String workflow) {
    return CONVERTER.convert(Json.object(workflow));
  }

  private static JsonNode inputs(ObjectNode prompt, String id) {
    assertThat(prompt.has(id)).as("node %s of %s", id, prompt).isTrue();
    return Json.normal(prompt.path(id).path("inputs"));
  }

  @Test
  void widgets_get_their_names_and_the_editor_s_own_are_skipped() {
    ObjectNode prompt = convert(WORKFLOW.formatted(0));
    assertThat(inputs(prompt, "3"))
        .isEqualTo(
            Json.value(
                """
                {'seed':18446744073709551615,'steps':20,'cfg':8,'sampler_name':'euler','scheduler':'normal',
                 'denoise':1,'model':['4',0],'positive':['6',0],'negative':['6',0],'latent_image':['5',0]}
                """));
    assertThat(prompt.path("3").path("class_type").asText()).isEqualTo("KSampler");
    assertThat(prompt.path("6").path("_meta").path("title").asText()).isEqualTo("Good");
    assertThat(prompt.path("3").path("_meta").path("title").asText()).isEqualTo("KSampler");
  }

  @Test
  void nodes_of_the_editor_are_gone_and_what_they_stood_for_is_there() {
    ObjectNode prompt = convert(WORKFLOW.formatted(0));
    assertThat(prompt.properties().stream().map(java.util.Map.Entry::getKey))
        .containsExactly("4", "5", "22", "6", "3");
    assertThat(inputs(prompt, "5"))
        .as("the primitive's value instead of the widget's")
        .isEqualTo(Json.value("{'width':640,'height':768,'batch_size':2}"));
    assertThat(inputs(prompt, "22"))
        .isEqualTo(Json.value("{'stop_at_clip_layer':-2,'clip':['4',1]}"));
  }

  @Test
  void a_bypassed_node_hands_on_its_input_and_a_muted_one_nothing() {
    assertThat(inputs(convert(WORKFLOW.formatted(4)), "6"))
        .isEqualTo(Json.value("{'text':'a cat','clip':['4',1]}"));
    assertThat(inputs(convert(WORKFLOW.formatted(2)), "6"))
        .isEqualTo(Json.value("{'text':'a cat'}"));
  }

  @Test
  void subgraphs_are_opened_with_their_widgets_and_connections() {
    ObjectNode prompt =
        convert(
            """
            {'nodes':[
              {'id':1,'type':'EmptyImage','order':0,'outputs':[{'type':'IMAGE'}],'widgets_values':[64,32,1,255]},
              {'id':2,'type':'outer-uuid','order':1,'outputs':[{'type':'IMAGE'}],
               'inputs':[{'name':'picture','type':'IMAGE','link':1},
                         {'name':'wide','type':'INT','widget':{'name':'wide'},'link':null},
                         {'name':'high','type':'INT','widget':{'name':'high'},'link':null}],
               'widgets_values':[128,256]},
              {'id':3,'type':'PreviewImage','order':2,'inputs':[{'name':'images','type':'IMAGE','link':2}]}],
             'links':[[1,1,0,2,0,'IMAGE'],[2,2,0,3,0,'IMAGE']],
             'definitions':{'subgraphs':[
               {'id':'outer-uuid','name':'Outer','inputNode':{'id':-10},'outputNode':{'id':-20},
                'inputs':[{'name':'picture'},{'name':'wide'},{'name':'high'}],'outputs':[{'name':'IMAGE'}],
                'nodes':[
                  {'id':7,'type':'inner-uuid','order':0,'outputs':[{'type':'IMAGE'}],
                   'inputs':[{'name':'image','type':'IMAGE','link':11},
                             {'name':'width','type':'INT','widget':{'name':'width'},'link':12},
                             {'name':'height','type':'INT','widget':{'name':'height'},'link':13}],
                   'widgets_values':[1,2]}],
                'links':[{'id':11,'origin_id':-10,'origin_slot':0,'target_id':7,'target_slot':0,'type':'IMAGE'},
                         {'id':12,'origin_id':-10,'origin_slot':1,'target_id':7,'target_slot':1,'type':'INT'},
                         {'id':13,'origin_id':-10,'origin_slot':2,'target_id':7,'target_slot':2,'type':'INT'},
                         {'id':14,'origin_id':7,'origin_slot':0,'target_id':-20,'target_slot':0,'type':'IMAGE'}]},
               {'id':'inner-uuid','name':'Inner','inputNode':{'id':-10},'outputNode':{'id':-20},
                'inputs':[{'name':'image'},{'name':'width'},{'name':'height'}],'outputs':[{'name':'IMAGE'}],
                'nodes':[
                  {'id':9,'type':'ImageScale','order':0,'outputs':[{'type':'IMAGE'}],
                   'inputs':[{'name':'image','type':'IMAGE','link':1},
                             {'name':'width','type':'INT','widget':{'name':'width'},'link':2},
                             {'name':'height','type':'INT','widget':{'name':'height'},'link':3}],
                   'widgets_values':['bilinear',512,512,'disabled']}],
                'links':[{'id':1,'origin_id':-10,'origin_slot':0,'target_id':9,'target_slot':0,'type':'IMAGE'},
                         {'id':2,'origin_id':-10,'origin_slot':1,'target_id':9,'target_slot':1,'type':'INT'},
                         {'id':3,'origin_id':-10,'origin_slot':2,'target_id':9,'target_slot':2,'type':'INT'},
                         {'id':4,'origin_id':9,'origin_slot':0,'target_id':-20,'target_slot':0,'type':'IMAGE'}]}]}}
            """);
    assertThat(inputs(prompt, "2:7:9"))
        .isEqualTo(
            Json.value(
                """
                {'upscale_method':'bilinear','width':128,'height':256,'crop':'disabled','image':['1',0]}
                """));
    assertThat(inputs(prompt, "3")).isEqualTo(Json.value("{'images':['2:7:9',0]}"));
    assertThat(prompt).hasSize(3);
  }

  @Test
  void a_widget_that_was_not_saved_gets_its_default() {
    ObjectNode prompt =
        convert("{'nodes':[{'id':1,'type':'EmptyImage','widgets_values':[64]}],'links':[]}");
    assertThat(inputs(prompt, "1"))
        .isEqualTo(Json.value("{'width':64,'height':512,'batch_size':1,'color':0}"));
  }

  @Test
  void every_unknown_class_is_named() {
    assertThatThrownBy(
            () ->
                convert(
                    "{'nodes':[{'id':1,'type':'Foo'},{'id':2,'type':'Bar'},{'id':3,'type':'EmptyImage'}]}"))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("Foo (node 1)")
        .hasMessageContaining("Bar (node 2)");
  }

  @Test
  void what_goes_in_a_circle_ends_with_a_reason() {
    assertThatThrownBy(
            () ->
                convert(
                    """
                    {'nodes':[{'id':1,'type':'Reroute','inputs':[{'type':'*','link':2}]},
                              {'id':2,'type':'Reroute','inputs':[{'type':'*','link':1}]},
                              {'id':3,'type':'PreviewImage','inputs':[{'name':'images','type':'IMAGE','link':3}]}],
                     'links':[[1,1,0,2,0,'*'],[2,2,0,1,0,'*'],[3,2,0,3,0,'*']]}
                    """))
        .hasMessageContaining("circle");
    assertThatThrownBy(
            () ->
                convert(
                    """
                    {'nodes':[{'id':1,'type':'s'}],'links':[],'definitions':{'subgraphs':[
                      {'id':'s','name':'Self','nodes':[{'id':1,'type':'s'}],'links':[]}]}}
                    """))
        .hasMessageContaining("'Self'");
  }

  @Test
  void what_is_no_workflow_is_refused_with_a_reason() {
    for (String wrong :
        new String[] {
          "{}",
          "{'nodes':3}",
          "{'nodes':[3]}",
          "{'nodes':[{'type':'Foo'}]}",
          "{'nodes':[],'links':[7]}",
          "{'nodes':[],'links':[[1,2]]}"
        }) {
      assertThatThrownBy(() -> convert(wrong)).as(wrong).isInstanceOf(EngineException.class);
    }
  }
}
