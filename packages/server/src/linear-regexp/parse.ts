import {
  ANY,
  anyOf,
  ignoringCase,
  not,
  PERL_CLASSES,
  POSIX_CLASSES,
  range,
  unicodeClass,
} from './characters.ts'
import { type CharacterTest, type Expression, type Place, RegExpSyntaxError } from './syntax.ts'

interface Flags {
  readonly i: boolean
  readonly m: boolean
  readonly s: boolean
}

const MAX_DEPTH = 100
/** As in RE2. */
const MAX_COUNT = 1000
const NEWLINE = 10

/** Reads a regular expression in the syntax of RE2 (Go's `regexp`). @throws RegExpSyntaxError. */
export function parse(source: string): Expression {
  return new Parser(source).parse()
}

class Parser {
  readonly #source: readonly string[]
  #at = 0
  #depth = 0
  #flags: Flags = { i: false, m: false, s: false }

  constructor(source: string) {
    this.#source = [...source]
  }

  parse(): Expression {
    const expression = this.#choice()
    if (this.#at < this.#source.length) throw new RegExpSyntaxError('a ) closes nothing')
    return expression
  }

  #choice(): Expression {
    const options = [this.#sequence()]
    while (this.#take('|')) options.push(this.#sequence())
    return options.length === 1 && options[0] !== undefined ? options[0] : { kind: 'choice', options }
  }

  #sequence(): Expression {
    const parts: Expression[] = []
    while (this.#at < this.#source.length && this.#peek() !== '|' && this.#peek() !== ')') {
      const atoms = this.#takeText('\\Q') ? this.#quoted() : this.#atom()
      const last = atoms.pop()
      // A repetition is of the last character that is quoted.
      if (last !== undefined) parts.push(...atoms, this.#repeated(last))
    }
    return { kind: 'sequence', parts }
  }

  /** Characters as they are, up to `\E` or the end. */
  #quoted(): Expression[] {
    const parts: Expression[] = []
    while (this.#at < this.#source.length && !this.#takeText('\\E')) parts.push(this.#literal(this.#next()))
    return parts
  }

  /** Nothing for what only sets flags. */
  #atom(): Expression[] {
    const character = this.#next()
    switch (character) {
      case '(':
        return this.#group()
      case '[':
        return [{ kind: 'character', test: this.#class() }]
      case '.':
        return [this.#character(this.#flags.s ? ANY : not(one(NEWLINE)))]
      case '^':
        return [place(this.#flags.m ? 'line-start' : 'text-start')]
      case '$':
        return [place(this.#flags.m ? 'line-end' : 'text-end')]
      case '\\':
        return [this.#escape()]
      case '*':
      case '+':
      case '?':
        throw new RegExpSyntaxError(`${character} has nothing to repeat`)
      default:
        return [this.#literal(character)]
    }
  }

  #group(): Expression[] {
    const outer = this.#flags
    if (this.#take('?')) {
      const named = this.#takeText('P<') || this.#take('<')
      if (named) this.#name()
      else if (this.#setFlags() === 'to the end of the group') return []
    }
    this.#depth += 1
    if (this.#depth > MAX_DEPTH) throw new RegExpSyntaxError('groups are nested too deep')
    const inner = this.#choice()
    this.#depth -= 1
    if (!this.#take(')')) throw new RegExpSyntaxError('a ( is not closed')
    this.#flags = outer
    return [inner]
  }

  #name(): void {
    let name = ''
    while (this.#at < this.#source.length && this.#peek() !== '>') name += this.#next()
    if (!this.#take('>') || !/^\w+$/.test(name))
      throw new RegExpSyntaxError('the name of a group is not valid; look-behind is not supported')
  }

  #setFlags(): 'in this group' | 'to the end of the group' {
    const set = { ...this.#flags }
    let value = true
    for (let count = 0; ; count += 1) {
      const character = this.#at < this.#source.length ? this.#next() : ''
      if (character === 'i' || character === 'm' || character === 's') set[character] = value
      else if (character === '-' && value) value = false
      else if ((character === ':' || character === ')') && (count > 0 || character === ':')) {
        this.#flags = set
        return character === ':' ? 'in this group' : 'to the end of the group'
      } else if (character !== 'U')
        // Which of several matches is found is all that U changes.
        throw new RegExpSyntaxError(`(?${character} is not supported`)
    }
  }

  #repeated(of: Expression): Expression {
    const count = this.#count()
    if (count === undefined) return of
    this.#take('?')
    if ('*+?'.includes(this.#peek() || ' ') || this.#countAhead() !== undefined)
      throw new RegExpSyntaxError('a repetition is repeated; put the inner one into a group')
    return { kind: 'repetition', of, ...count }
  }

  #count(): { readonly min: number; readonly max: number | undefined } | undefined {
    if (this.#take('*')) return { min: 0, max: undefined }
    if (this.#take('+')) return { min: 1, max: undefined }
    if (this.#take('?')) return { min: 0, max: 1 }
    const found = this.#countAhead()
    if (found === undefined) return undefined
    const [whole, low = '', comma, high = ''] = found
    this.#at += whole.length
    const min = Number(low)
    const max = comma === undefined ? min : high === '' ? undefined : Number(high)
    if (min > MAX_COUNT || (max !== undefined && (max > MAX_COUNT || max < min)))
      throw new RegExpSyntaxError(`${whole} is not a valid number of repetitions`)
    return { min, max }
  }

  /** Braces that are no count are characters as any other. */
  #countAhead(): RegExpExecArray | undefined {
    if (this.#peek() !== '{') return undefined
    return (
      /^\{(\d{1,9})(,(\d{0,9}))?\}/.exec(this.#source.slice(this.#at, this.#at + 24).join('')) ?? undefined
    )
  }

  #escape(): Expression {
    switch (this.#peek()) {
      case 'A':
        this.#next()
        return place('text-start')
      case 'z':
        this.#next()
        return place('text-end')
      case 'b':
        this.#next()
        return place('word-edge')
      case 'B':
        this.#next()
        return place('no-word-edge')
      default:
        return this.#character(this.#escapedClass() ?? one(this.#escapedCharacter()))
    }
  }

  /** What follows a backslash when it is a class; undefined when it is a character. */
  #escapedClass(): CharacterTest | undefined {
    const letter = this.#peek()
    const perl = Object.hasOwn(PERL_CLASSES, letter) ? PERL_CLASSES[letter] : undefined
    if (perl !== undefined) {
      this.#next()
      return perl
    }
    if (letter !== 'p' && letter !== 'P') return undefined
    this.#next()
    let name = this.#next()
    if (name === '{') {
      name = ''
      while (this.#peek() !== '}') name += this.#next()
      this.#next()
    }
    const negated = name.startsWith('^')
    const test = unicodeClass(negated ? name.slice(1) : name)
    return negated === (letter === 'P') ? test : not(test)
  }

  #escapedCharacter(): number {
    const character = this.#next()
    const control = '\\a\\f\\n\\r\\t\\v'.indexOf(`\\${character}`)
    if (control >= 0) return [7, 12, 10, 13, 9, 11][control / 2] ?? 0
    if (character === 'x') return this.#hexadecimal()
    // A single digit would be a back-reference.
    if (character === '0' || (/[1-7]/.test(character) && /[0-7]/.test(this.#peek()))) {
      let digits = character
      while (digits.length < 3 && /[0-7]/.test(this.#peek())) digits += this.#next()
      return Number.parseInt(digits, 8)
    }
    const codePoint = character.codePointAt(0) ?? 0
    if (codePoint > 127 || /[0-9A-Za-z]/.test(character))
      throw new RegExpSyntaxError(`\\${character} is not supported`)
    return codePoint
  }

  #hexadecimal(): number {
    let digits = ''
    if (this.#take('{')) {
      while (this.#peek() !== '}') digits += this.#next()
      this.#next()
    } else digits = this.#next() + this.#next()
    const codePoint = Number.parseInt(digits, 16)
    if (!/^[0-9A-Fa-f]{1,8}$/.test(digits) || codePoint > 0x10ffff)
      throw new RegExpSyntaxError(`\\x${digits} is not a character`)
    return codePoint
  }

  /** After the opening bracket. */
  #class(): CharacterTest {
    const negated = this.#take('^')
    const tests: CharacterTest[] = []
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      const known = this.#namedClass() ?? this.#classInClass()
      if (known !== undefined) {
        tests.push(known)
        continue
      }
      const low = this.#classCharacter()
      if (this.#peek() !== '-' || this.#source[this.#at + 1] === ']') {
        tests.push(one(low))
        continue
      }
      this.#next()
      const high = this.#classCharacter()
      if (high < low) throw new RegExpSyntaxError('a range of characters ends before it starts')
      tests.push(range(low, high))
    }
    this.#next()
    const test = this.#flags.i ? ignoringCase(anyOf(tests)) : anyOf(tests)
    return negated ? not(test) : test
  }

  #classInClass(): CharacterTest | undefined {
    if (!this.#take('\\')) return undefined
    const found = this.#escapedClass()
    if (found === undefined) this.#at -= 1
    return found
  }

  #classCharacter(): number {
    const character = this.#next()
    return character === '\\' ? this.#escapedCharacter() : (character.codePointAt(0) ?? 0)
  }

  #namedClass(): CharacterTest | undefined {
    const ahead = this.#source.slice(this.#at, this.#at + 16).join('')
    const [whole, negation, name = ''] = /^\[:(\^?)(\w+):\]/.exec(ahead) ?? []
    if (whole === undefined) return undefined
    const test = Object.hasOwn(POSIX_CLASSES, name) ? POSIX_CLASSES[name] : undefined
    if (test === undefined) throw new RegExpSyntaxError(`${whole} is not a known class of characters`)
    this.#at += whole.length
    return negation === '^' ? not(test) : test
  }

  #literal(character: string): Expression {
    return this.#character(one(character.codePointAt(0) ?? 0))
  }

  #character(test: CharacterTest): Expression {
    return { kind: 'character', test: this.#flags.i ? ignoringCase(test) : test }
  }

  /** The next character, which stays; empty at the end. */
  #peek(): string {
    return this.#source[this.#at] ?? ''
  }

  /** @throws RegExpSyntaxError at the end. */
  #next(): string {
    const character = this.#source[this.#at]
    if (character === undefined) throw new RegExpSyntaxError('it ends too early')
    this.#at += 1
    return character
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false
    this.#at += 1
    return true
  }

  #takeText(text: string): boolean {
    if (this.#source.slice(this.#at, this.#at + text.length).join('') !== text) return false
    this.#at += text.length
    return true
  }
}

const place = (at: Place): Expression => ({ kind: 'place', place: at })

const one = (wanted: number): CharacterTest => range(wanted, wanted)
