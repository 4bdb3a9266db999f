import { Download } from 'lucide-react'
import { type FormEvent, type ReactNode, useId } from 'react'

import type { SyncExplanation } from '@slipway/contract'
import { fieldError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, Mark, TextInput } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import { saveFile } from '../ui/save-file.ts'
import { useInvalidFocus } from '../ui/use-invalid-focus.ts'
import { DryRun, type Trial } from './dry-run.tsx'
import { type Mapping, sampleClaims, type Target } from './mapping.ts'
import { MappingEditor } from './mapping-editor.tsx'

/** What every sync has: a claim, and what its values give. */
interface SyncValues {
  readonly field: string
  readonly mapping: Mapping
}

interface SyncFormProps {
  /** What a claim gives: "group", "role", "organization". */
  readonly what: string
  readonly about: string
  /** What becomes of a value that is not mapped. */
  readonly otherwise: string
  readonly values: SyncValues
  readonly onChange: (values: SyncValues) => void
  readonly targets: readonly Target[] | undefined
  /** Names of claims, and values of the chosen one, that sign-ins have brought. */
  readonly known: { readonly fields: readonly string[]; readonly values: readonly string[] }
  /** Settings that this sync has beside those. */
  readonly more?: ReactNode
  readonly locked: boolean
  readonly saving: boolean
  readonly error: unknown
  readonly onSave: () => void
  readonly exported: { readonly file: string; readonly settings: object }
  readonly explain: (trial: Trial) => Promise<SyncExplanation>
  readonly organizationId?: string
}

/** Settings of a sync on the left, a trial of them on the right (UI-1402). */
export function SyncForm({
  what,
  about,
  otherwise,
  values,
  onChange,
  targets,
  known,
  more,
  locked,
  saving,
  error,
  onSave,
  exported,
  explain,
  organizationId,
}: SyncFormProps) {
  const online = useOnline()
  const fields = useId()
  const form = useInvalidFocus(error)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!saving) onSave()
  }
  return (
    <div className="grid items-start gap-6 xl:grid-cols-[minmax(0,1fr)_380px]">
      <form ref={form} onSubmit={submit} className="flex min-w-0 flex-col gap-4">
        <ErrorNotice error={error} title="The settings were not saved" />
        <Section
          title="Claim"
          help={about}
          actions={<Mark>{values.field.trim() === '' ? 'Off' : 'On'}</Mark>}
        >
          <div className="flex flex-col gap-5">
            <Field
              label="Name of the claim"
              error={fieldError(error, 'field')}
              help="Leave empty to turn the sync off. A dot is part of the name."
            >
              {(field) => (
                <>
                  <TextInput
                    {...field}
                    readOnly={locked}
                    spellCheck={false}
                    autoCapitalize="off"
                    autoComplete="off"
                    list={fields}
                    placeholder="groups"
                    value={values.field}
                    onChange={(event) => onChange({ ...values, field: event.target.value })}
                    className="max-w-80 font-mono [font-variant-ligatures:none]"
                  />
                  <datalist id={fields}>
                    {known.fields.map((name) => (
                      <option key={name} value={name} />
                    ))}
                  </datalist>
                </>
              )}
            </Field>
            {more}
          </div>
        </Section>
        <Section title="Mapping" help={otherwise}>
          <MappingEditor
            what={what}
            mapping={values.mapping}
            onChange={(mapping) => onChange({ ...values, mapping })}
            targets={targets}
            values={known.values}
            locked={locked}
          />
          {fieldError(error, 'mapping') === undefined ? null : (
            <p className="mt-2 text-xs text-bad">{fieldError(error, 'mapping')}</p>
          )}
        </Section>
        <div className="flex flex-wrap justify-end gap-2">
          <Button
            icon={<Download className="size-4" strokeWidth={1.75} />}
            onClick={() =>
              saveFile(
                exported.file,
                new Blob([`${JSON.stringify(exported.settings, null, 2)}\n`], { type: 'application/json' }),
              )
            }
          >
            Export as JSON
          </Button>
          {locked ? null : (
            <Button type="submit" tone="primary" busy={saving} disabled={!online}>
              Save settings
            </Button>
          )}
        </div>
      </form>
      <DryRun
        things={`${what}s`}
        sample={sampleClaims(values.field.trim(), values.mapping)}
        run={explain}
        {...(organizationId === undefined ? {} : { organizationId })}
      />
    </div>
  )
}
