import { LabError } from "../core/errors";

/** A question with a definite answer, asked before the cell that answers it. */
export interface Prediction {
  readonly id: string;
  readonly choices: Readonly<Record<string, string>>;
  readonly guess: string | null;
}

/** A prediction beside what the run showed. */
export interface Revealed extends Prediction {
  readonly answer: string;
}

/** The forecasts of one lab. A guess may come before its question: cells run in any order. */
export class Predictions {
  #choices = new Map<string, Record<string, string>>();
  #guesses = new Map<string, string>();

  predict(id: string, choices: Record<string, string>): Prediction {
    if (Object.keys(choices).length < 2) {
      throw new LabError("BAD_ARGUMENT", `the prediction "${id}" has fewer than two choices`, "give at least two");
    }
    this.#choices.set(id, { ...choices });
    return this.#state(id);
  }

  /** Records the learner's forecast; empty text takes it back. */
  guess(id: string, key: string): Prediction {
    const choices = this.#choices.get(id);
    if (key && choices && !Object.hasOwn(choices, key)) {
      throw new LabError(
        "BAD_ARGUMENT",
        `"${key}" is none of the choices`,
        `write one of: ${Object.keys(choices).join(", ")}`,
      );
    }
    if (key) this.#guesses.set(id, key);
    else this.#guesses.delete(id);
    return this.#state(id);
  }

  reveal(id: string, answer: string): Revealed {
    const choices = this.#choices.get(id);
    if (!choices) {
      throw new LabError("BAD_ARGUMENT", `nothing was predicted as "${id}"`, "run the cell with the question first");
    }
    if (!Object.hasOwn(choices, answer)) {
      throw new LabError(
        "BAD_ARGUMENT",
        `what happened ("${answer}") is none of the choices of "${id}"`,
        "run the cells above again, from the question",
      );
    }
    return { ...this.#state(id), answer };
  }

  #state(id: string): Prediction {
    const choices = this.#choices.get(id) ?? {};
    const guess = this.#guesses.get(id) ?? null;
    return {
      id,
      choices,
      guess: guess !== null && (Object.hasOwn(choices, guess) || !this.#choices.has(id)) ? guess : null,
    };
  }
}
