import type { TestMCPServerConfigResponse } from '@slipway/contract'
import { fieldError } from '../api/errors.ts'
import { Field, Mark, Switch, TextArea } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import { isOffered, namesOf, type ServerDraft, withTool } from './server-draft.ts'

type Tools = TestMCPServerConfigResponse['tools']

interface ToolFieldsProps {
  readonly draft: ServerDraft
  readonly onChange: (patch: Partial<ServerDraft>) => void
  readonly tools: Tools | undefined
  readonly error: unknown
}

/** Which tools of the server chats get: by name, and each of those that a test has found by a switch (OA-115). */
export function ToolFields({ draft, onChange, tools, error }: ToolFieldsProps) {
  const offered = tools?.filter(({ name }) => isOffered(draft, name)).length ?? 0
  return (
    <Section
      title="Tools"
      help={
        tools === undefined
          ? 'Chats get all tools of the server unless you restrict them here.'
          : `Chats get ${offered} of ${tools.length} tools.`
      }
      flush
    >
      {tools === undefined || tools.length === 0 ? null : (
        <ToolList draft={draft} onChange={onChange} tools={tools} />
      )}
      <div className="grid gap-5 p-4 sm:grid-cols-2">
        <Field
          label="Only these"
          error={fieldError(error, 'tool_allow_list')}
          help="One name per line. Leave empty for all."
        >
          {(field) => (
            <TextArea
              {...field}
              rows={3}
              spellCheck={false}
              autoCapitalize="off"
              className="font-mono"
              value={draft.allow}
              onChange={(event) => onChange({ allow: event.target.value })}
            />
          )}
        </Field>
        <Field
          label="Never these"
          error={fieldError(error, 'tool_deny_list')}
          help="Takes precedence over “Only these”."
        >
          {(field) => (
            <TextArea
              {...field}
              rows={3}
              spellCheck={false}
              autoCapitalize="off"
              className="font-mono"
              value={draft.deny}
              onChange={(event) => onChange({ deny: event.target.value })}
            />
          )}
        </Field>
      </div>
    </Section>
  )
}

function ToolList({
  draft,
  onChange,
  tools,
}: {
  readonly draft: ServerDraft
  readonly onChange: (patch: Partial<ServerDraft>) => void
  readonly tools: Tools
}) {
  const unknown = [...namesOf(draft.allow), ...namesOf(draft.deny)].filter(
    (name) => !tools.some((tool) => tool.name === name),
  )
  return (
    <div className="border-b border-line">
      <ul aria-label="Tools of the server" className="max-h-96 overflow-y-auto">
        {tools.map((tool) => (
          <li
            key={tool.name}
            className="flex items-start gap-3 border-b border-line px-4 py-2 last:border-b-0"
          >
            <span className="flex h-[21px] items-center">
              <Switch
                label={`Offer ${tool.name} to chats`}
                checked={isOffered(draft, tool.name)}
                onChange={(on) => onChange(withTool(draft, tool.name, on))}
              />
            </span>
            <div className="min-w-0 flex-1">
              <div className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-0.5">
                <code className="min-w-0 break-all text-sm font-medium">{tool.name}</code>
                {tool.read_only ? <Mark>reads</Mark> : null}
                {tool.destructive ? <Mark>destructive</Mark> : null}
              </div>
              {tool.description === '' ? null : (
                <p className="line-clamp-2 text-xs text-ink-2">
                  <bdi>{tool.description}</bdi>
                </p>
              )}
            </div>
          </li>
        ))}
      </ul>
      {unknown.length === 0 ? null : (
        <p className="border-t border-line px-4 py-2 text-xs text-warn">
          The server has no tool called {unknown.join(', ')}.
        </p>
      )}
    </div>
  )
}
