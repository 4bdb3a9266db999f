import type { Parameters, ParameterValue, ParameterValues, Variables, VariableValues } from './parameters.ts'
import type { Workspace } from './workspace.ts'

/** What the workspace function knows. */
export interface WorkspaceInputs<P extends Parameters, V extends Variables> {
  /** Values of this build, in their declared types. */
  readonly parameters: ParameterValues<P>
  readonly variables: VariableValues<V>
  readonly workspace: {
    readonly id: string
    readonly name: string
    readonly transition: 'start' | 'stop' | 'destroy'
    readonly templateName: string
    readonly templateVersion: string
    /** URL under which the workspace reaches the control plane. */
    readonly accessUrl: string
    readonly isPrebuild: boolean
  }
  readonly owner: {
    readonly id: string
    readonly name: string
    readonly fullName: string
    readonly email: string
    readonly groups: readonly string[]
    readonly sshPublicKey: string
  }
  /** Null unless the workspace was made for a task. */
  readonly task: { readonly id: string; readonly prompt: string } | null
  /** Access tokens by provider id; a provider that was not connected has none. */
  readonly externalAuth: Readonly<Record<string, string>>
}

/** What the tags function knows. */
export type TagInputs<P extends Parameters, V extends Variables> = Pick<
  WorkspaceInputs<P, V>,
  'parameters' | 'variables'
>

/** A named choice of parameter values. */
export interface Preset<P extends Parameters> {
  readonly name: string
  readonly description?: string
  readonly icon?: string
  /** Chosen when nothing else is; at most one preset. */
  readonly default?: boolean
  readonly parameters: { readonly [Name in keyof P]?: ParameterValue<P[Name]> }
  /** Workspaces kept ready for this preset. */
  readonly prebuilds?: { readonly instances: number }
}

/** Everything that {@link defineTemplate} takes. */
export interface TemplateDefinition<P extends Parameters, V extends Variables> {
  readonly parameters?: P
  readonly variables?: V
  readonly presets?: readonly Preset<P>[]
  /** Git and other providers whose tokens the workspace uses. */
  readonly externalAuth?: readonly { readonly id: string; readonly optional?: boolean }[]
  /** Says which provisioners may build the workspaces. */
  tags?(inputs: TagInputs<P, V>): Readonly<Record<string, string>>
  /**
   * Describes the workspace. It is called for every build and must answer the same for the same inputs:
   * it runs in a sandbox without clock, randomness, files, processes and network.
   */
  workspace(inputs: WorkspaceInputs<P, V>): Workspace
}

/** A template; the default export of `template.ts`. */
export interface Template {
  readonly definition: TemplateDefinition<Parameters, Variables>
}

/**
 * Declares a template. The types of `parameters` and `variables` inside the functions follow from their
 * declarations; a parameter with options has the union of their values.
 *
 * @example
 * import { defineTemplate, local } from '@slipway/template'
 *
 * export default defineTemplate({
 *   parameters: {
 *     region: { type: 'string', default: 'eu', options: [{ name: 'Europe', value: 'eu' }, { name: 'US', value: 'us' }] },
 *     cores: { type: 'number', default: 2, mutable: true, validation: { min: 1, max: 8 } },
 *   },
 *   workspace: ({ parameters, owner }) => ({
 *     runtime: local(),
 *     agents: [{ name: 'main', env: { REGION: parameters.region, CORES: `${parameters.cores}`, WHO: owner.name } }],
 *   }),
 * })
 */
export function defineTemplate<
  const P extends Parameters = Record<never, never>,
  const V extends Variables = Record<never, never>,
>(definition: TemplateDefinition<P, V>): Template {
  return { definition }
}
