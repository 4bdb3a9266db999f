import { fieldError } from '../api/errors.ts'
import { Field, TextInput } from '../ui/form.tsx'
import { IconField } from '../ui/icon-field.tsx'
import { NameFields } from '../ui/name-fields.tsx'

/** What is written into the form of a group; the quota as it is typed. */
export interface GroupValues {
  readonly name: string
  readonly display_name: string
  readonly avatar_url: string
  readonly quota: string
}

interface GroupFieldsProps {
  readonly values: GroupValues
  readonly onChange: (values: GroupValues) => void
  readonly error: unknown
  readonly renaming: boolean
  /** Everyone is called what it is called; only its quota may change (WS-61). */
  readonly quotaOnly?: boolean
}

/** Names, picture and quota of a group. */
export function GroupFields({ values, onChange, error, renaming, quotaOnly = false }: GroupFieldsProps) {
  return (
    <div className="flex flex-col gap-5">
      {quotaOnly ? null : (
        <>
          <NameFields
            values={values}
            onChange={onChange}
            error={error}
            renaming={renaming}
            nameHelp={
              renaming
                ? 'Used in its address and in the claims of identity providers. Links with the old name stop working.'
                : 'Letters, digits and single hyphens. Used in its address.'
            }
          />
          <IconField
            label="Icon"
            error={fieldError(error, 'avatar_url')}
            value={values.avatar_url}
            onChange={(avatar_url) => onChange({ ...values, avatar_url })}
          />
        </>
      )}
      <Field
        label="Credits per day"
        error={fieldError(error, 'quota_allowance')}
        help="What each member may spend on workspaces through this group. A member’s groups add up."
      >
        {(field) => (
          <TextInput
            {...field}
            required
            inputMode="numeric"
            pattern="[0-9]{1,9}"
            title="A whole number; 0 for none"
            className="max-w-40 tabular-nums"
            value={values.quota}
            onChange={(event) => onChange({ ...values, quota: event.target.value })}
          />
        )}
      </Field>
    </div>
  )
}
