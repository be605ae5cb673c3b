"""The whole harness on one screen: one model, one task, the loop, printed step by step.

Run it from the repository's root: ``python examples/hello.py``. The model is in the repository.
"""

from harness import engines
from harness.agent import react
from harness.models.registry import resolve
from harness.prompts import load_prompt
from harness.scoring.answers import match
from harness.suites.tasks import load_suite
from harness.tools import Toolbox, describe_tools
from harness.types import Act, EngineSettings, Limits
from harness.worlds import open_world


def main(name: str = "pico-0.8M-q4", number: int = 2) -> None:
    """Let the model ``name`` (a row of models.toml) solve a task of the suite ``generated``."""
    suite = load_suite("generated")
    task = suite.tasks[number]
    tools = Toolbox(("calculate", "wikipedia", "search"), open_world("frozen", suite.world))
    prompt = load_prompt("react", describe_tools(tools.names))

    # 1) Load the model, and let it read the few-shot prompt that all episodes share.
    [row] = resolve([name])
    engine = engines.create(row.model, EngineSettings(slots=1, threads=1))
    engine.start(prompt.beginning)

    # 2) The loop is a generator. It asks for text or for a tool, and is sent what came back.
    print(f"Question: {task.question}")
    loop = react(task, prompt, Limits(), prompt.protocol())
    request = next(loop)
    try:
        while True:
            if isinstance(request, Act):
                result = tools.call(request.tool, request.input)
                print(f"Observation: {result.text}")
            else:
                engine.submit("hello", request)
                while not (ended := engine.step()):
                    pass
                [(_, result)] = ended
                print(f"Thought:{result.text.rstrip()}")
            request = loop.send(result)
    except StopIteration as end:
        episode = end.value
    engine.close()

    # 3) Score the answer. Only now the right one is looked at.
    verdict = match(task.answer, episode.answer)
    print(f"-- {episode.status}, {'right' if verdict.strict else 'wrong'} ({verdict.rule})")


if __name__ == "__main__":
    main()
