import type {
  Parameter,
  Parameters,
  ParameterValue,
  Variable,
  Variables,
  VariableValue,
} from './parameters.ts'
import type { Template, WorkspaceInputs } from './template.ts'

/** Values as the control plane keeps them: text by name. A missing name is a value not given. */
export interface EvaluationInputs {
  readonly parameters: Readonly<Record<string, string>>
  readonly variables: Readonly<Record<string, string>>
}

/** What the workspace function gets beside the values of parameters and variables. */
export type EvaluationContext = Omit<WorkspaceInputs<Parameters, Variables>, 'parameters' | 'variables'>

/**
 * What a template says without any input. Every value is text, lists are JSON arrays; functions are left
 * out. The caller validates it: a template may be written in plain JavaScript.
 */
export function declarations(template: Template): unknown {
  const { parameters = {}, variables = {}, presets = [], externalAuth = [] } = definitionOf(template)
  return {
    parameters: Object.entries(parameters).map(([name, declared]) => ({
      ...declared,
      name,
      ...('default' in declared && declared.default !== undefined && { default: text(declared.default) }),
      ...(declared.options && { options: declared.options.map((o) => ({ ...o, value: text(o.value) })) }),
    })),
    variables: Object.entries(variables).map(([name, declared]) => ({
      ...declared,
      name,
      ...(declared.default !== undefined && { default: text(declared.default) }),
    })),
    presets: presets.map((preset) => ({
      ...preset,
      parameters: Object.entries(preset.parameters).map(([name, value]) => ({ name, value: text(value) })),
    })),
    externalAuth,
  }
}

/** The tags for these inputs. */
export function tags(template: Template, inputs: EvaluationInputs): unknown {
  return definitionOf(template).tags?.(values(template, inputs)) ?? {}
}

/** The workspace for these inputs; `context` holds what does not come from declarations. */
export function workspace(template: Template, inputs: EvaluationInputs, context: EvaluationContext): unknown {
  return definitionOf(template).workspace({ ...context, ...values(template, inputs) })
}

function definitionOf(template: Template): Template['definition'] {
  const definition: unknown = template?.definition
  if (definition === null || typeof definition !== 'object') {
    throw new TypeError('template.ts must `export default defineTemplate({ … })`')
  }
  return template.definition
}

function values({ definition }: Template, inputs: EvaluationInputs) {
  const { parameters = {}, variables = {} } = definition
  return {
    parameters: Object.fromEntries(
      Object.entries(parameters).map(([name, declared]): [string, ParameterValue<Parameter>] => [
        name,
        parameterValue(declared, givenValue(inputs.parameters, name)),
      ]),
    ),
    variables: Object.fromEntries(
      Object.entries(variables).map(([name, declared]): [string, VariableValue<Variable>] => [
        name,
        variableValue(declared, givenValue(inputs.variables, name)),
      ]),
    ),
  }
}

/** A parameter may have the name of something that every object has, such as `constructor`. */
function givenValue(given: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(given, name) ? given[name] : undefined
}

/**
 * A value in its declared type. A value not given is the default, else the first option, else the empty
 * value of the type, so that a template can be imported before anybody has chosen anything.
 */
function parameterValue(declared: Parameter, given: string | undefined): ParameterValue<Parameter> {
  const missing = given === undefined || (given === '' && declared.type !== 'string')
  switch (declared.type) {
    case 'string':
      return missing ? (declared.default ?? declared.options?.[0]?.value ?? '') : given
    case 'number':
      return missing ? (declared.default ?? declared.options?.[0]?.value ?? 0) : Number(given)
    case 'bool':
      return missing ? (declared.default ?? declared.options?.[0]?.value ?? false) : isTrue(given)
    case 'list(string)':
      if (!missing) return JSON.parse(given)
      if (declared.default !== undefined) return declared.default
      return declared.formType === 'multi-select' ? [] : (declared.options?.[0]?.value ?? [])
  }
}

function variableValue(declared: Variable, given: string | undefined): VariableValue<Variable> {
  const missing = given === undefined || (given === '' && declared.type !== 'string')
  switch (declared.type) {
    case 'string':
      return missing ? (declared.default ?? '') : given
    case 'number':
      return missing ? (declared.default ?? 0) : Number(given)
    case 'bool':
      return missing ? (declared.default ?? false) : isTrue(given)
  }
}

/** The spellings of true that a bool may have on the wire (PR-95). */
function isTrue(given: string): boolean {
  return /^(1|t|true)$/i.test(given)
}

function text(value: unknown): unknown {
  if (Array.isArray(value)) return JSON.stringify(value)
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value
}
