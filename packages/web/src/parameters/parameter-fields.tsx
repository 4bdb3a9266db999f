import type { FriendlyDiagnostic, PreviewParameter } from '@slipway/contract'
import { Field, Mark } from '../ui/form.tsx'
import { Markdown } from '../ui/markdown.tsx'
import { Notice } from '../ui/notice.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { ParameterControl } from './parameter-control.tsx'
import type { FormView, ParameterForm } from './parameter-form.ts'
import { parameterFault, parameterTitle } from './parameter-value.ts'

interface ParameterFieldsProps {
  readonly form: ParameterForm
  readonly view: FormView
  /** Parameters that the viewer may see but not change here, and why. */
  readonly locked: (parameter: PreviewParameter) => string | undefined
  /** A small word beside a label: where the value came from. */
  readonly origin?: (name: string) => string | undefined
  /** Whether faults of untouched fields are shown too: after an attempt to submit. */
  readonly strict: boolean
  /** Fields that do not show, because a preset has set them (UI-737). */
  readonly hidden?: ReadonlySet<string>
}

/** The fields of a parameter form, with what the template's author and the server say about them. */
export function ParameterFields({ form, view, locked, origin, strict, hidden }: ParameterFieldsProps) {
  if (view.parameters === undefined)
    return (
      <AfterDelay>
        <div className="flex flex-col gap-6" aria-busy="true">
          {[0, 1].map((row) => (
            <div key={row} className="flex flex-col gap-2">
              <div className="skeleton h-4 w-32" />
              <div className="skeleton h-8 w-full" />
            </div>
          ))}
        </div>
      </AfterDelay>
    )
  const shown = view.parameters.filter(
    (parameter) => hidden?.has(parameter.name) !== true || parameter.diagnostics.length > 0,
  )
  return (
    <div className="flex flex-col gap-6">
      {view.diagnostics.map((diagnostic) => (
        <DiagnosticNotice key={`${diagnostic.summary} ${diagnostic.detail}`} diagnostic={diagnostic} />
      ))}
      {shown.map((parameter) => (
        <ParameterField
          key={parameter.name}
          parameter={parameter}
          value={view.values.get(parameter.name)}
          reason={
            parameter.styling.disabled === true
              ? 'The template does not allow a change here.'
              : locked(parameter)
          }
          origin={origin?.(parameter.name)}
          strict={strict}
          onChange={(value, typing) => form.set(parameter.name, value, typing)}
        />
      ))}
    </div>
  )
}

function ParameterField({
  parameter,
  value,
  reason,
  origin,
  strict,
  onChange,
}: {
  readonly parameter: PreviewParameter
  readonly value: string | undefined
  readonly reason: string | undefined
  readonly origin: string | undefined
  readonly strict: boolean
  readonly onChange: (value: string, typing: boolean) => void
}) {
  const fault = parameterFault(parameter, value)
  // A field that nobody has filled in yet is not wrong, it is only not done.
  const error = fault !== undefined && (strict || value !== undefined) ? fault : undefined
  const warnings = parameter.diagnostics.filter(({ severity }) => severity === 'warning')
  return (
    <div id={`parameter-${parameter.name}`} className="scroll-mt-24">
      <Field
        label={
          <span className="inline-flex items-center gap-2">
            {parameter.icon === '' ? null : <ThingIcon src={parameter.icon} className="size-4" />}
            {parameterTitle(parameter)}
          </span>
        }
        required={parameter.required && parameter.type !== 'bool'}
        error={error}
        marks={
          <>
            {parameter.required ? <Mark>Required</Mark> : null}
            {parameter.mutable ? null : <Mark>Cannot be changed later</Mark>}
            {parameter.ephemeral ? <Mark>This build only</Mark> : null}
            {origin === undefined ? null : <Mark>{origin}</Mark>}
          </>
        }
        help={
          parameter.description === '' && reason === undefined ? undefined : (
            <>
              {parameter.description === '' ? null : <Markdown text={parameter.description} size="small" />}
              {reason === undefined ? null : <p>{reason}</p>}
            </>
          )
        }
      >
        {(binding) => (
          <ParameterControl
            parameter={parameter}
            value={value}
            disabled={reason !== undefined}
            binding={{ ...binding, required: undefined }}
            onChange={onChange}
          />
        )}
      </Field>
      {warnings.map(({ summary, detail }) => (
        <p key={summary + detail} className="mt-1 text-xs text-warn">
          {detail === '' ? summary : `${summary}: ${detail}`}
        </p>
      ))}
    </div>
  )
}

function DiagnosticNotice({ diagnostic }: { readonly diagnostic: FriendlyDiagnostic }) {
  return (
    <Notice tone={diagnostic.severity === 'error' ? 'bad' : 'warn'} title={diagnostic.summary}>
      {diagnostic.detail === '' ? null : <p className="whitespace-pre-wrap">{diagnostic.detail}</p>}
    </Notice>
  )
}

/**
 * Why the form cannot be submitted: each fault with a link to its field (UI-739). `others` are those of fields around
 * the parameters, by the ids of their elements.
 */
export function FaultSummary({
  view,
  others = [],
}: {
  readonly view: FormView
  readonly others?: readonly { readonly id: string; readonly title: string; readonly fault: string }[]
}) {
  const faults = [
    ...others,
    ...formFaults(view).map(({ name, ...rest }) => ({
      id: name === '' ? '' : `parameter-${name}`,
      ...rest,
    })),
  ]
  if (faults.length === 0) return null
  return (
    <Notice
      tone="bad"
      title={
        faults.length === 1 ? 'One value is missing or wrong' : `${faults.length} values are missing or wrong`
      }
    >
      <ul className="list-disc pl-4">
        {faults.map(({ id, title, fault }) => (
          <li key={id}>
            {id === '' ? (
              fault
            ) : (
              <>
                <a href={`#${id}`} className="link">
                  {title}
                </a>
                : {fault}
              </>
            )}
          </li>
        ))}
      </ul>
    </Notice>
  )
}

/** Everything that blocks submitting. */
export function formFaults(
  view: FormView,
): readonly { readonly name: string; readonly title: string; readonly fault: string }[] {
  const top = view.diagnostics
    .filter(({ severity }) => severity === 'error')
    .map(({ summary, detail }) => ({
      name: '',
      title: '',
      fault: detail === '' ? summary : `${summary}: ${detail}`,
    }))
  const fields = (view.parameters ?? []).flatMap((parameter) => {
    const fault = parameterFault(parameter, view.values.get(parameter.name))
    return fault === undefined ? [] : [{ name: parameter.name, title: parameterTitle(parameter), fault }]
  })
  return [...top, ...fields]
}
