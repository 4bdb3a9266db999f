import type { AIProvider } from '@slipway/contract'
import { CopyableCode } from '../ui/copyable.tsx'
import { Field, Mark, PasswordInput, Select, TextInput } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import type { AwsDraft } from './provider-draft.ts'

const PROTOCOLS = [
  { value: 'invoke-model', label: 'InvokeModel' },
  { value: 'mantle', label: 'Mantle' },
]

/** What Amazon Bedrock needs in the place of keys (AG-105). */
export function AwsFields({
  aws,
  onChange,
  stored,
  fault,
}: {
  readonly aws: AwsDraft
  readonly onChange: (patch: Partial<AwsDraft>) => void
  readonly stored: AIProvider | undefined
  readonly fault: (field: string) => string | undefined
}) {
  const external = stored?.settings?.external_id
  const text = (
    name: 'region' | 'model' | 'small_fast_model' | 'role_arn',
    label: string,
    help: string,
    placeholder: string,
    optional = false,
  ) => (
    <Field
      label={label}
      required={!optional}
      marks={optional ? <Mark>optional</Mark> : null}
      error={fault(name) ?? fault(`settings.${name}`)}
      help={help}
    >
      {(field) => (
        <TextInput
          {...field}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          className="font-mono"
          placeholder={placeholder}
          value={aws[name]}
          onChange={(event) => onChange({ [name]: event.target.value })}
        />
      )}
    </Field>
  )
  const secret = (name: 'access_key' | 'access_key_secret', label: string) => (
    <Field
      label={label}
      marks={<Mark>optional</Mark>}
      error={fault(name) ?? fault(`settings.${name}`)}
      help={stored === undefined ? undefined : 'Leave empty to keep what is stored.'}
    >
      {(field) => (
        <PasswordInput
          {...field}
          autoComplete="off"
          className="font-mono"
          value={aws[name]}
          onChange={(event) => onChange({ [name]: event.target.value })}
        />
      )}
    </Field>
  )
  return (
    <Section
      title="Amazon Web Services"
      help="Without an access key, the server uses the role of its machine."
    >
      <div className="flex flex-col gap-5">
        <div className="grid gap-5 sm:grid-cols-2">
          {text('region', 'Region', 'Where the models are served.', 'eu-central-1')}
          <Field label="Protocol" error={fault('protocol')} help="How requests are sent to Bedrock.">
            {(field) => (
              <Select
                {...field}
                options={PROTOCOLS}
                value={aws.protocol}
                onChange={(event) =>
                  onChange({ protocol: event.target.value === 'mantle' ? 'mantle' : 'invoke-model' })
                }
              />
            )}
          </Field>
        </div>
        {aws.protocol === 'invoke-model' ? (
          <div className="grid gap-5 sm:grid-cols-2">
            {text('model', 'Model', 'Answers all requests but small ones.', 'global.anthropic.claude-…')}
            {text(
              'small_fast_model',
              'Small model',
              'Used for requests for a Haiku model.',
              'global.anthropic.claude-haiku-…',
            )}
          </div>
        ) : null}
        <div className="grid gap-5 sm:grid-cols-2">
          {secret('access_key', 'Access key')}
          {secret('access_key_secret', 'Secret of the access key')}
        </div>
        {text(
          'role_arn',
          'Role',
          'A role to assume for every request.',
          'arn:aws:iam::123456789012:role/bedrock',
          true,
        )}
        {external === undefined || external === '' ? null : (
          <div className="flex flex-col gap-1.5">
            <span className="text-sm font-medium">External id</span>
            <CopyableCode code={external} label="Copy the external id" />
            <span className="text-xs text-ink-2">The trust policy of the role must require it.</span>
          </div>
        )}
      </div>
    </Section>
  )
}
