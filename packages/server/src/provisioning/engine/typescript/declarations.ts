import { Type } from 'typebox'

import { matches } from '../../parameters/matches.ts'
import { shapeFault, valueFault } from '../../parameters/validate-value.ts'
import type { ExternalAuthNeed, FormType, Preset, RichParameter, TemplateVariable } from '../description.ts'
import { EngineError } from '../engine.ts'
import { checker } from './checked.ts'

const Text = Type.String({ maxLength: 65_536 })
/** What the columns of the database hold. */
const Whole = Type.Integer({ minimum: -2_147_483_648, maximum: 2_147_483_647 })
const Name = Type.String({ minLength: 1, maxLength: 128 })

const Declared = Type.Object({
  parameters: Type.Array(
    Type.Object({
      name: Name,
      type: Type.Enum(['string', 'number', 'bool', 'list(string)']),
      default: Type.Optional(Text),
      formType: Type.Optional(
        Type.Enum([
          'radio',
          'dropdown',
          'input',
          'textarea',
          'slider',
          'checkbox',
          'switch',
          'tag-select',
          'multi-select',
        ]),
      ),
      displayName: Type.Optional(Text),
      description: Type.Optional(Text),
      icon: Type.Optional(Text),
      order: Type.Optional(Whole),
      mutable: Type.Optional(Type.Boolean()),
      ephemeral: Type.Optional(Type.Boolean()),
      options: Type.Optional(
        Type.Array(
          Type.Object({
            name: Name,
            value: Text,
            description: Type.Optional(Text),
            icon: Type.Optional(Text),
          }),
          { maxItems: 1_000 },
        ),
      ),
      validation: Type.Optional(
        Type.Object({
          regex: Type.Optional(Text),
          error: Type.Optional(Text),
          min: Type.Optional(Whole),
          max: Type.Optional(Whole),
          monotonic: Type.Optional(Type.Enum(['increasing', 'decreasing'])),
        }),
      ),
    }),
    { maxItems: 200 },
  ),
  variables: Type.Array(
    Type.Object({
      name: Name,
      type: Type.Enum(['string', 'number', 'bool']),
      default: Type.Optional(Text),
      description: Type.Optional(Text),
      sensitive: Type.Optional(Type.Boolean()),
    }),
    { maxItems: 200 },
  ),
  presets: Type.Array(
    Type.Object({
      name: Name,
      description: Type.Optional(Text),
      icon: Type.Optional(Text),
      default: Type.Optional(Type.Boolean()),
      parameters: Type.Array(Type.Object({ name: Name, value: Text })),
      prebuilds: Type.Optional(Type.Object({ instances: Type.Integer({ minimum: 0, maximum: 1_000 }) })),
    }),
    { maxItems: 100 },
  ),
  externalAuth: Type.Array(Type.Object({ id: Name, optional: Type.Optional(Type.Boolean()) }), {
    maxItems: 50,
  }),
})

/** What a template declares without any input. */
export interface Declarations {
  readonly parameters: readonly RichParameter[]
  readonly variables: readonly TemplateVariable[]
  readonly presets: readonly Preset[]
  readonly externalAuth: readonly ExternalAuthNeed[]
}

const check = checker(Declared, 'defineTemplate')

/** Reads the answer of a template to `declarations`. @throws EngineError naming the path. */
export function readDeclarations(said: unknown): Declarations {
  const declared = check(said)
  const parameters = declared.parameters.map((parameter): RichParameter => {
    requireRegex(parameter.name, parameter.validation?.regex)
    if (parameter.ephemeral === true && (parameter.mutable !== true || parameter.default === undefined))
      throw new EngineError(
        `template.ts: parameter ${parameter.name} is ephemeral, so it must be mutable and have a default`,
      )
    const options = parameter.options ?? []
    const rule = parameter.validation
    return {
      name: parameter.name,
      displayName: parameter.displayName ?? '',
      description: parameter.description ?? '',
      type: parameter.type,
      formType: parameter.formType ?? formsOf(parameter.type, options.length > 0)[0] ?? 'input',
      mutable: parameter.mutable ?? false,
      required: parameter.default === undefined,
      ephemeral: parameter.ephemeral ?? false,
      defaultValue: parameter.default ?? '',
      icon: parameter.icon ?? '',
      order: parameter.order ?? 0,
      options: options.map((option) => ({
        name: option.name,
        value: option.value,
        description: option.description ?? '',
        icon: option.icon ?? '',
      })),
      validation:
        rule === undefined
          ? null
          : {
              regex: rule.regex ?? '',
              error: rule.error ?? '',
              min: rule.min ?? null,
              max: rule.max ?? null,
              monotonic: rule.monotonic ?? '',
            },
    }
  })
  requireDifferent('parameters', parameters)
  for (const parameter of parameters) {
    requireForm(parameter)
    requireOptions(parameter)
    if (!parameter.required) requireDefault(parameter)
  }
  requireDifferent('variables', declared.variables)
  requirePresets(parameters, declared.presets)
  if (declared.presets.filter((preset) => preset.default === true).length > 1)
    throw new EngineError('template.ts: at most one preset can be the default')
  return {
    parameters,
    variables: declared.variables.map((variable) => ({
      name: variable.name,
      description: variable.description ?? '',
      type: variable.type,
      defaultValue: variable.default ?? '',
      required: variable.default === undefined,
      sensitive: variable.sensitive ?? false,
    })),
    presets: declared.presets.map((preset) => ({
      name: preset.name,
      description: preset.description ?? '',
      icon: preset.icon ?? '',
      isDefault: preset.default ?? false,
      parameters: preset.parameters,
      prebuildInstances: preset.prebuilds?.instances ?? null,
    })),
    externalAuth: declared.externalAuth.map(({ id, optional }) => ({ id, optional: optional ?? false })),
  }
}

/** Forms by type, with options and without; the first is the usual one (PR-95). */
const FORMS: Readonly<
  Record<RichParameter['type'], { readonly options: readonly FormType[]; readonly free: readonly FormType[] }>
> = {
  string: { options: ['radio', 'dropdown'], free: ['input', 'textarea'] },
  number: { options: ['radio', 'dropdown'], free: ['input', 'slider'] },
  bool: { options: ['radio', 'dropdown'], free: ['checkbox', 'switch'] },
  'list(string)': { options: ['radio', 'multi-select'], free: ['tag-select'] },
}

function formsOf(type: RichParameter['type'], hasOptions: boolean): readonly FormType[] {
  return hasOptions ? FORMS[type].options : FORMS[type].free
}

function requireForm({ name, type, formType, options }: RichParameter): void {
  const allowed = formsOf(type, options.length > 0)
  if (!allowed.includes(formType))
    throw new EngineError(
      `template.ts: parameter ${name} of type ${type} ${options.length > 0 ? 'with' : 'without'} options cannot have the form ${formType}: use ${allowed.join(' or ')}`,
    )
}

function requireOptions(parameter: RichParameter): void {
  const { name, options, formType } = parameter
  requireDifferent(`options of parameter ${name}`, options)
  if (new Set(options.map(({ value }) => value)).size < options.length)
    throw new EngineError(`template.ts: values of options of parameter ${name} must differ`)
  // Of a multi-select each option is one element of the list.
  if (formType === 'multi-select') return
  for (const option of options) {
    const fault = shapeFault(parameter, option.value)
    if (fault !== undefined)
      throw new EngineError(`template.ts: option ${option.name} of parameter ${name} is refused: ${fault}`)
  }
}

function requireDifferent(what: string, named: readonly { readonly name: string }[]): void {
  if (new Set(named.map(({ name }) => name)).size < named.length)
    throw new EngineError(`template.ts: names of ${what} must differ`)
}

function requireRegex(name: string, regex: string | undefined): void {
  try {
    if (regex !== undefined) matches(regex, '')
  } catch (error) {
    throw new EngineError(
      `template.ts: the regex of parameter ${name} cannot be used: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

function requireDefault(parameter: RichParameter): void {
  const fault = valueFault(parameter, parameter.defaultValue, undefined)
  if (fault !== undefined)
    throw new EngineError(`template.ts: the default of parameter ${parameter.name} is refused: ${fault}`)
}

function requirePresets(
  parameters: readonly RichParameter[],
  presets: readonly { readonly name: string; readonly parameters: Preset['parameters'] }[],
): void {
  const known = new Map(parameters.map((parameter) => [parameter.name, parameter]))
  requireDifferent('presets', presets)
  for (const preset of presets)
    for (const { name, value } of preset.parameters) {
      const parameter = known.get(name)
      if (parameter === undefined)
        throw new EngineError(`template.ts: preset ${preset.name} sets ${name}, which is no parameter`)
      const fault = valueFault(parameter, value, undefined)
      if (fault !== undefined)
        throw new EngineError(`template.ts: preset ${preset.name} sets ${name} to a refused value: ${fault}`)
    }
}
