/** One choice of a parameter. */
export interface Option<Value extends string | number | boolean | readonly string[]> {
  /** Shown in the form; must be unique within the parameter. */
  readonly name: string
  readonly value: Value
  readonly description?: string
  readonly icon?: string
}

/** What every parameter may say, whatever its type. */
interface CommonParameter {
  /** Shown instead of the parameter's name. */
  readonly displayName?: string
  /** Markdown. */
  readonly description?: string
  readonly icon?: string
  /** Position in the form; equal ones sort by name. Default 0. */
  readonly order?: number
  /** May be changed after the workspace was created. Default false. */
  readonly mutable?: boolean
  /** Asked for at every build and not remembered; needs `mutable` and `default`. Default false. */
  readonly ephemeral?: boolean
}

/** A text. */
export interface StringParameter extends CommonParameter {
  readonly type: 'string'
  /** Without a default the parameter is required. */
  readonly default?: string
  /** `radio` (default) or `dropdown` with options; else `input` (default) or `textarea`. */
  readonly formType?: 'radio' | 'dropdown' | 'input' | 'textarea'
  readonly options?: readonly Option<string>[]
  /** `error` is shown when the value does not match. */
  readonly validation?: { readonly regex: string; readonly error: string }
}

/** A number. */
export interface NumberParameter extends CommonParameter {
  readonly type: 'number'
  /** Without a default the parameter is required. */
  readonly default?: number
  /** `radio` (default) or `dropdown` with options; else `input` (default) or `slider`. */
  readonly formType?: 'radio' | 'dropdown' | 'input' | 'slider'
  readonly options?: readonly Option<number>[]
  /**
   * With a validation only integers are accepted. `monotonic` compares with the value of the previous
   * build. In `error`, `{min}`, `{max}` and `{value}` are replaced.
   */
  readonly validation?: {
    readonly min?: number
    readonly max?: number
    readonly monotonic?: 'increasing' | 'decreasing'
    readonly error?: string
  }
}

/** Yes or no. */
export interface BoolParameter extends CommonParameter {
  readonly type: 'bool'
  /** Without a default the parameter is required. */
  readonly default?: boolean
  /** `radio` (default) or `dropdown` with options; else `checkbox` (default) or `switch`. */
  readonly formType?: 'radio' | 'dropdown' | 'checkbox' | 'switch'
  readonly options?: readonly Option<boolean>[]
}

/** Several texts, chosen from options. */
export interface MultiSelectParameter extends CommonParameter {
  readonly type: 'list(string)'
  /** Without a default the parameter is required. */
  readonly default?: readonly string[]
  readonly formType: 'multi-select'
  readonly options: readonly Option<string>[]
}

/** Several texts: free ones, or one of some lists. */
export interface ListParameter extends CommonParameter {
  readonly type: 'list(string)'
  /** Without a default the parameter is required. */
  readonly default?: readonly string[]
  /** `radio` (default) with options; else `tag-select`. */
  readonly formType?: 'radio' | 'tag-select'
  readonly options?: readonly Option<readonly string[]>[]
}

/**
 * One input that a user gives when making a workspace.
 *
 * @example
 * const size: Parameter = {
 *   type: 'number',
 *   default: 4,
 *   formType: 'slider',
 *   mutable: true,
 *   validation: { min: 1, max: 16 },
 * }
 */
export type Parameter =
  | StringParameter
  | NumberParameter
  | BoolParameter
  | MultiSelectParameter
  | ListParameter

/** The parameters of a template by name. */
export type Parameters = Readonly<Record<string, Parameter>>

/**
 * A value that an administrator sets when importing the template, the same for all its workspaces.
 *
 * @example
 * const image: Variable = { type: 'string', default: 'debian:12', description: 'Container image' }
 */
export type Variable =
  | (CommonVariable & { readonly type: 'string'; readonly default?: string })
  | (CommonVariable & { readonly type: 'number'; readonly default?: number })
  | (CommonVariable & { readonly type: 'bool'; readonly default?: boolean })

interface CommonVariable {
  readonly description?: string
  /** Shown as `*redacted*`. Default false. */
  readonly sensitive?: boolean
}

/** The variables of a template by name. */
export type Variables = Readonly<Record<string, Variable>>

type OneOf<Declared, Fallback> = Declared extends { readonly options: readonly Option<infer Value>[] }
  ? Value
  : Fallback

/** The type of a parameter's value: the union of its options where it has some. */
export type ParameterValue<Declared extends Parameter> = Declared extends MultiSelectParameter
  ? readonly OneOf<Declared, string>[]
  : Declared extends { readonly type: 'string' }
    ? OneOf<Declared, string>
    : Declared extends { readonly type: 'number' }
      ? OneOf<Declared, number>
      : Declared extends { readonly type: 'bool' }
        ? boolean
        : readonly string[]

/** The values of all parameters, by name. */
export type ParameterValues<Declared extends Parameters> = {
  readonly [Name in keyof Declared]: ParameterValue<Declared[Name]>
}

/** The type of a variable's value. */
export type VariableValue<Declared extends Variable> = Declared extends { readonly type: 'string' }
  ? string
  : Declared extends { readonly type: 'number' }
    ? number
    : boolean

/** The values of all variables, by name. */
export type VariableValues<Declared extends Variables> = {
  readonly [Name in keyof Declared]: VariableValue<Declared[Name]>
}
