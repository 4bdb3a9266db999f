import { isWord } from './characters.ts'
import { parse } from './parse.ts'
import { type CharacterTest, type Expression, type Place, RegExpSyntaxError } from './syntax.ts'

type Instruction =
  | { readonly op: 'character'; readonly test: CharacterTest }
  | { readonly op: 'place'; readonly place: Place }
  | { op: 'fork'; first: number; second: number }
  | { op: 'jump'; to: number }
  | { readonly op: 'match' }

/** A way of matching that is still open. */
interface Thread {
  readonly pc: number
  readonly start: number
}

interface Span {
  readonly start: number
  readonly end: number
}

/** Longest program; counted repetitions are written out in it. */
const MAX_PROGRAM = 2000

/** How much work several matches may take together; a step, such as a comparison, takes some ten nanoseconds. */
export class StepBudget {
  #left: number

  constructor(steps: number) {
    this.#left = steps
  }

  /** @throws StepBudgetExceeded. */
  spend(steps: number): void {
    this.#left -= steps
    if (this.#left < 0) throw new StepBudgetExceeded('the regular expression takes too long on these texts')
  }
}

/** Thrown when a {@link StepBudget} is used up. */
export class StepBudgetExceeded extends Error {
  override readonly name = 'StepBudgetExceeded'
}

/**
 * A regular expression of somebody who is not trusted with the time of this process. It has the syntax of RE2, as
 * Go's `regexp` takes it, and follows all ways of matching at once (Thompson's construction): the time is the length of
 * the expression times that of the text at most, whatever both are. A class of characters counts by what is in it.
 */
export class LinearRegExp {
  readonly #program: readonly Instruction[]

  /** @throws RegExpSyntaxError for what RE2 does not take, or what would be too large. */
  constructor(source: string) {
    this.#program = compile(parse(source))
  }

  /** Whether some part of the text matches. @throws StepBudgetExceeded. */
  matches(text: string, budget: StepBudget): boolean {
    const points = Array.from(text, (character) => character.codePointAt(0) ?? 0)
    const seen = new Int32Array(this.#program.length).fill(-1)
    let threads: number[] = []
    for (let at = 0; at <= points.length; at += 1) {
      // A match may begin anywhere.
      if (this.#follow(0, points, at, seen, threads, budget)) return true
      const next: number[] = []
      const point = points[at]
      if (point === undefined) return false
      for (const pc of threads) {
        const instruction = this.#program[pc]
        if (instruction?.op !== 'character' || !instruction.test.passes(point)) continue
        if (this.#follow(pc + 1, points, at + 1, seen, next, budget)) return true
      }
      threads = next
    }
    return false
  }

  /**
   * Where the text matches: the first place, as long as it can be, and then on behind it. Places of nothing are none.
   *
   * @returns offsets as of `slice`. @throws StepBudgetExceeded.
   */
  spans(text: string, budget: StepBudget): { readonly start: number; readonly end: number }[] {
    const points: number[] = []
    const offsets: number[] = []
    let offset = 0
    for (const character of text) {
      points.push(character.codePointAt(0) ?? 0)
      offsets.push(offset)
      offset += character.length
    }
    offsets.push(offset)
    const spans: { start: number; end: number }[] = []
    for (let from = 0; from < points.length; ) {
      const found = this.#longest(points, from, budget)
      if (found === undefined) break
      if (found.end > found.start)
        spans.push({ start: offsets[found.start] ?? 0, end: offsets[found.end] ?? offset })
      from = Math.max(found.end, found.start + 1)
    }
    return spans
  }

  /** The match that begins first from a place on, and of those the longest; places count code points. */
  #longest(points: readonly number[], from: number, budget: StepBudget): Span | undefined {
    const seen = new Int32Array(this.#program.length).fill(-1)
    let best: Span | undefined
    let threads: Thread[] = []
    for (let at = from; at <= points.length; at += 1) {
      // What began earlier has been followed before: it wins where both reach the same.
      if (best === undefined) {
        const reached = this.#reach(0, at, points, at, seen, threads, budget)
        if (reached) best = { start: at, end: at }
      }
      const point = points[at]
      if (point === undefined || (threads.length === 0 && best !== undefined)) break
      const next: Thread[] = []
      for (const { pc, start } of threads) {
        if (best !== undefined && start > best.start) continue
        const instruction = this.#program[pc]
        if (instruction?.op !== 'character' || !instruction.test.passes(point)) continue
        if (this.#reach(pc + 1, start, points, at + 1, seen, next, budget)) best = { start, end: at + 1 }
      }
      threads = next
    }
    return best
  }

  /** As `#follow`, but goes on behind a match, and keeps with each thread where it began. */
  #reach(
    from: number,
    start: number,
    points: readonly number[],
    at: number,
    seen: Int32Array,
    threads: Thread[],
    budget: StepBudget,
  ): boolean {
    let matched = false
    const open = [from]
    for (let pc = open.pop(); pc !== undefined; pc = open.pop()) {
      if (seen[pc] === at) continue
      seen[pc] = at
      const instruction = this.#program[pc]
      budget.spend(instruction?.op === 'character' ? 1 + instruction.test.cost : 1)
      switch (instruction?.op) {
        case 'match':
        case undefined:
          matched = true
          break
        case 'character':
          threads.push({ pc, start })
          break
        case 'jump':
          open.push(instruction.to)
          break
        case 'fork':
          open.push(instruction.second, instruction.first)
          break
        case 'place':
          if (isAt(instruction.place, points, at)) open.push(pc + 1)
          break
      }
    }
    return matched
  }

  /** Adds to the threads all that wait for a character and can be reached without one; true when the end can be. */
  #follow(
    start: number,
    points: readonly number[],
    at: number,
    seen: Int32Array,
    threads: number[],
    budget: StepBudget,
  ): boolean {
    const open = [start]
    for (let pc = open.pop(); pc !== undefined; pc = open.pop()) {
      if (seen[pc] === at) continue
      seen[pc] = at
      const instruction = this.#program[pc]
      budget.spend(instruction?.op === 'character' ? 1 + instruction.test.cost : 1)
      switch (instruction?.op) {
        case 'match':
        case undefined:
          return true
        case 'character':
          threads.push(pc)
          break
        case 'jump':
          open.push(instruction.to)
          break
        case 'fork':
          open.push(instruction.second, instruction.first)
          break
        case 'place':
          if (isAt(instruction.place, points, at)) open.push(pc + 1)
          break
      }
    }
    return false
  }
}

function isAt(place: Place, points: readonly number[], at: number): boolean {
  const [before, after] = [points[at - 1], points[at]]
  switch (place) {
    case 'text-start':
      return before === undefined
    case 'text-end':
      return after === undefined
    case 'line-start':
      return before === undefined || before === 10
    case 'line-end':
      return after === undefined || after === 10
    case 'word-edge':
      return isWordAt(before) !== isWordAt(after)
    case 'no-word-edge':
      return isWordAt(before) === isWordAt(after)
  }
}

function isWordAt(point: number | undefined): boolean {
  return point !== undefined && isWord.passes(point)
}

function compile(expression: Expression): Instruction[] {
  const program: Instruction[] = []
  const emit = <I extends Instruction>(instruction: I): I => {
    if (program.length >= MAX_PROGRAM) throw new RegExpSyntaxError('the expression is too large')
    program.push(instruction)
    return instruction
  }
  const write = (part: Expression): void => {
    switch (part.kind) {
      case 'character':
        emit({ op: 'character', test: part.test })
        return
      case 'place':
        emit({ op: 'place', place: part.place })
        return
      case 'sequence':
        for (const inner of part.parts) write(inner)
        return
      case 'choice':
        writeChoice(part.options)
        return
      case 'repetition':
        writeRepetition(part.of, part.min, part.max)
        return
    }
  }
  const writeChoice = (options: readonly Expression[]): void => {
    const ends: { to: number }[] = []
    for (const [index, option] of options.entries()) {
      const fork =
        index < options.length - 1 ? emit({ op: 'fork', first: program.length + 1, second: 0 }) : undefined
      write(option)
      if (fork === undefined) continue
      ends.push(emit({ op: 'jump', to: 0 }))
      fork.second = program.length
    }
    for (const end of ends) end.to = program.length
  }
  const writeRepetition = (of: Expression, min: number, max: number | undefined): void => {
    const start = program.length
    // What is nothing once is nothing a thousand times, and a thousand thousand times where it is nested.
    for (let count = 0; count < min && (count === 0 || program.length > start); count += 1) write(of)
    if (max === undefined) {
      const loop = program.length
      const fork = emit({ op: 'fork', first: loop + 1, second: 0 })
      write(of)
      emit({ op: 'jump', to: loop })
      fork.second = program.length
      return
    }
    const forks: { second: number }[] = []
    for (let count = min; count < max; count += 1) {
      forks.push(emit({ op: 'fork', first: program.length + 1, second: 0 }))
      write(of)
    }
    for (const fork of forks) fork.second = program.length
  }
  write(expression)
  emit({ op: 'match' })
  return program
}
