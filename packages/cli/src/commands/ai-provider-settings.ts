import type { Command } from 'commander'

import type { AIProviderSettings } from '@slipway/contract'
import { CommandError } from '../errors.ts'
import { askSecret, interactive } from '../prompt.ts'
import { standardInput } from '../standard-input.ts'

/** What stands for all large models of Bedrock, and for all small ones, where nobody says otherwise. */
const MODEL = 'global.anthropic.claude-sonnet-4-5-20250929-v1:0'
const SMALL_MODEL = 'global.anthropic.claude-haiku-4-5-20251001-v1:0'

/** How a provider is reached through AWS. */
export interface AwsFlags {
  readonly region?: string
  readonly protocol?: string
  readonly model?: string
  readonly smallModel?: string
  readonly roleArn?: string
  readonly accessKey?: string
}

/** The options of a command that says how a provider is reached through AWS (AG-105). */
export function awsOptions(command: Command): Command {
  return command
    .option('--region <region>', 'region of AWS, for Bedrock')
    .option('--protocol <protocol>', 'what Bedrock is spoken to in: invoke-model or mantle')
    .option('--model <model>', 'of Bedrock, which stands for all large models')
    .option('--small-model <model>', 'of Bedrock, which stands for all small models')
    .option('--role-arn <arn>', 'role of AWS to take on')
    .option('--access-key <id>', 'access key of AWS, whose secret is asked for; "" is none')
}

/** Whether anything of AWS was given. */
export function hasAws(flags: AwsFlags): boolean {
  const { region, protocol, model, smallModel, roleArn, accessKey } = flags
  return [region, protocol, model, smallModel, roleArn, accessKey].some((flag) => flag !== undefined)
}

/** Settings as they shall be: what is not given stays as it was (AG-105). */
export async function awsSettings(flags: AwsFlags, before?: AIProviderSettings): Promise<AIProviderSettings> {
  const { accessKey } = flags
  return {
    _type: 'bedrock',
    _version: 1,
    region: flags.region ?? before?.region ?? '',
    protocol: flags.protocol ?? before?.protocol ?? 'invoke-model',
    model: flags.model ?? before?.model ?? MODEL,
    small_fast_model: flags.smallModel ?? before?.small_fast_model ?? SMALL_MODEL,
    role_arn: flags.roleArn ?? before?.role_arn ?? '',
    ...(accessKey === undefined
      ? {}
      : {
          access_key: accessKey,
          access_key_secret: accessKey === '' ? '' : await readSecret('Secret of the access key'),
        }),
  }
}

/** A secret, never from the command line: other programs of the machine see that. @throws CommandError without one. */
export async function readSecret(question: string): Promise<string> {
  const what = `the ${question[0]?.toLowerCase() ?? ''}${question.slice(1)}`
  const secret = interactive() ? await askSecret(question, what) : await standardInput(what)
  if (secret.trim() === '') throw new CommandError(`${what} is empty`)
  return secret.trim()
}
