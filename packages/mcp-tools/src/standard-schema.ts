import { type Static, type TSchema, Type } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'

/** A schema as MCP libraries take it: it checks values and tells its JSON Schema (standardschema.dev). */
export interface StandardSchema {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: 'typebox'
    readonly validate: (
      value: unknown,
    ) => { readonly value: unknown } | { readonly issues: readonly { readonly message: string }[] }
    readonly jsonSchema: {
      readonly input: () => Record<string, unknown>
      readonly output: () => Record<string, unknown>
    }
    readonly types?: { readonly input: unknown; readonly output: unknown }
  }
}

interface CheckedSchema<S extends TSchema> extends StandardSchema {
  readonly accepts: (value: unknown) => value is Static<S>
  readonly faultsOf: (value: unknown) => string[]
}

const MAX_FAULTS = 10

/** Wraps a TypeBox schema; it is compiled when it is first used. */
export function standardSchema<S extends TSchema>(schema: S): CheckedSchema<S> {
  let compiled: Validator | undefined
  const validator = (): Validator => {
    compiled ??= Compile(Type.Unsafe(schema))
    return compiled
  }
  // TypeBox keeps type information in hidden members.
  const json: Record<string, unknown> = { ...JSON.parse(JSON.stringify(schema)) }
  if (json.type === 'object') json.required ??= []
  const faultsOf = (value: unknown): string[] =>
    validator()
      .Errors(value)
      .slice(0, MAX_FAULTS)
      .map(({ instancePath, message }) => `${instancePath.slice(1).replaceAll('/', '.')} ${message}`.trim())
  return {
    accepts: (value): value is Static<S> => validator().Check(value),
    faultsOf,
    '~standard': {
      version: 1,
      vendor: 'typebox',
      validate: (value) =>
        validator().Check(value) ? { value } : { issues: faultsOf(value).map((message) => ({ message })) },
      jsonSchema: { input: () => json, output: () => json },
    },
  }
}
