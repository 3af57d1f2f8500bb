import { Checkbox, Group, Radio, Select, Stack, TagsInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, bodyOf } from '../../api/client';
import { CALM_MS, reading } from '../../api/read';
import { texts } from '../../texts/texts';
import { Failing } from '../states';
import { AttributeRules } from './attribute-rules';
import { KINDS } from './audience';
import type { AudienceDraft } from './audience';

/** Names that are offered; a tag beyond these can be typed. */
const OFFERED = 1_000;
/** Ids are often pasted as a list. */
const BETWEEN_IDS = [',', ';', ' ', '\n', '\t'];

interface AudienceBuilderProps {
  applicationId: string;
  value: AudienceDraft;
  onChange: (next: AudienceDraft) => void;
}

/** Chooses the recipients: a list, a saved audience or everybody, narrowed by platform, language and attributes. */
export function AudienceBuilder({ applicationId, value, onChange }: AudienceBuilderProps) {
  const words = texts.audience;
  const set = (members: Partial<AudienceDraft>): void => onChange({ ...value, ...members });
  return (
    <Stack gap="sm">
      <Radio.Group label={words.title} value={value.kind} onChange={(kind) => set({ kind })}>
        <Group gap="md" mt={6}>
          {KINDS.map((kind) => (
            <Radio key={kind} value={kind} label={words.kinds[kind]} />
          ))}
        </Group>
      </Radio.Group>
      {value.kind === 'tags' && (
        <Tags applicationId={applicationId} value={value.tagNames} onChange={(tagNames) => set({ tagNames })} />
      )}
      {value.kind === 'users' && (
        <TagsInput
          label={words.kinds.users}
          description={words.ids}
          splitChars={BETWEEN_IDS}
          value={value.userIds}
          onChange={(userIds) => set({ userIds })}
        />
      )}
      {value.kind === 'devices' && (
        <TagsInput
          label={words.kinds.devices}
          description={words.ids}
          splitChars={BETWEEN_IDS}
          value={value.deviceIds}
          onChange={(deviceIds) => set({ deviceIds })}
        />
      )}
      {value.kind === 'saved' && (
        <Saved applicationId={applicationId} value={value.saved} onChange={(saved) => set({ saved })} />
      )}
      <Checkbox.Group
        label={words.platforms}
        description={words.platformsHint}
        value={value.platforms}
        onChange={(platforms) => set({ platforms })}
      >
        <Group gap="md" mt={6}>
          {Object.entries(texts.platforms).map(([platform, label]) => (
            <Checkbox key={platform} value={platform} label={label} />
          ))}
        </Group>
      </Checkbox.Group>
      <TagsInput
        label={words.languages}
        description={words.languagesHint}
        splitChars={BETWEEN_IDS}
        value={value.languages}
        onChange={(languages) => set({ languages })}
      />
      <AttributeRules rules={value.attributes} onChange={(attributes) => set({ attributes })} />
    </Stack>
  );
}

interface ChoiceProps<T> {
  applicationId: string;
  value: T;
  onChange: (next: T) => void;
}

/** Without the right to list them a name is typed. */
function Tags({ applicationId, value, onChange }: ChoiceProps<string[]>) {
  const { data = [] } = useQuery(
    reading(['tag-names', applicationId], async (options) => {
      const params = { path: { applicationId }, query: { size: OFFERED, expand: false } };
      const page = await bodyOf(api.GET('/imfpush/v1/apps/{applicationId}/tags', { params, ...options }));
      return page.tags.map(({ name }) => name);
    }),
  );
  return (
    <TagsInput
      label={texts.audience.kinds.tags}
      description={texts.audience.tagsHint}
      data={data}
      limit={50}
      splitChars={[',', '\n']}
      value={value}
      onChange={onChange}
    />
  );
}

function Saved({ applicationId, value, onChange }: ChoiceProps<string>) {
  const { data, error, refetch } = useQuery(
    reading(
      ['audiences', applicationId],
      async (options) => {
        const params = { path: { applicationId } };
        const page = await bodyOf(api.GET('/imfpush/v1/apps/{applicationId}/audiences', { params, ...options }));
        return page.audiences.map(({ name }) => name);
      },
      CALM_MS,
    ),
  );
  if (error && data === undefined) return <Failing error={error} retry={() => void refetch()} />;
  return (
    <Select
      label={texts.audience.kinds.saved}
      data={data ?? []}
      value={value === '' ? null : value}
      onChange={(name) => onChange(name ?? '')}
      searchable
      nothingFoundMessage={texts.audience.noneSaved}
      description={data?.length === 0 ? texts.audience.noneSaved : undefined}
    />
  );
}
