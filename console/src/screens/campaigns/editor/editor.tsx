import { Accordion, Alert, Button, Code, Fieldset, Grid, Group, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { audienceOf } from '../../../parts/audience/audience';
import { AudienceBuilder } from '../../../parts/audience/audience-builder';
import { useDraft } from '../../../parts/draft';
import { Page } from '../../../parts/page';
import { Panel } from '../../../parts/panel';
import { newKey } from '../../../parts/random';
import { ScopedButton, useMay } from '../../../parts/scoped';
import { FailedAct, WithData } from '../../../parts/states';
import { isSame } from '../../../parts/same';
import { texts } from '../../../texts/texts';
import { campaignQuery } from '../read-campaigns';
import type { Campaign } from '../read-campaigns';
import { AsJson } from './as-json';
import { Conflict } from './conflict';
import { Content } from './content';
import { definitionOf } from './definition';
import type { Part } from './definition';
import { draftOf, formOf, hasChanged, problemOf } from './form';
import type { EditorDraft, Form, Problem } from './form';
import { Plan } from './plan';
import { Preview } from './preview';
import { Rules } from './rules';
import { useSave } from './save';
import { Schedule } from './schedule';

export function NewCampaign() {
  const { app = '' } = useParams({ strict: false });
  return <Editor key={app} app={app} campaign={null} />;
}

export function EditCampaign() {
  const { app, campaign: id } = useParams({ from: '/shell/apps/$app/campaigns/$campaign/edit' });
  const campaign = useQuery(campaignQuery(app, id));
  const shown = (
    <WithData query={campaign}>{(data) => <Editor key={`${app} ${id}`} app={app} campaign={data} />}</WithData>
  );
  return campaign.data ? shown : <Page title={texts.campaigns.one}>{shown}</Page>;
}

/** Writes a campaign beside its preview. Text is kept until it is saved or discarded. */
function Editor({ app, campaign }: { app: string; campaign: Campaign | null }) {
  const id = campaign?.campaignId;
  const [typed, setTyped, clear] = useDraft<EditorDraft | null>(`campaign:${app}:${id ?? 'new'}`, null);
  const [part, setPart] = useState<Part>({ variant: null, language: null });
  const navigate = useNavigate();
  const words = texts.editor;
  // Until something is typed the form follows the server.
  const draft = typed && hasChanged(typed) ? typed : draftOf(campaign, newKey());
  const form = formOf(draft, setTyped);
  const leave = (to = id): void => {
    clear();
    void (to === undefined
      ? navigate({ to: '/apps/$app/campaigns', params: { app } })
      : navigate({ to: '/apps/$app/campaigns/$campaign', params: { app, campaign: to } }));
  };
  const saving = useSave({ app, id, onSaved: leave, onTried: (tried) => setTyped({ ...draft, tried }) });
  const may = useMay('campaigns.write', app);
  const problem = problemOf(draft);
  const isOverwriting =
    campaign !== null &&
    draft.base !== null &&
    campaign.etag !== draft.base.etag &&
    !isSame(draft.definition, definitionOf(campaign));
  const shown = problem === null || problem === 'noCampaignName' ? draft.definition : null;
  return (
    <Page title={campaign ? words.edit(campaign.name) : texts.campaigns.create} lead={words.lead}>
      {!may && (
        <Alert color="gray" title={words.lookOnly}>
          {texts.states.needs} <Code>campaigns.write</Code>
        </Alert>
      )}
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <Stack>
            {/* Keys while the answer is awaited would be lost. */}
            <Fieldset variant="unstyled" disabled={saving.isPending}>
              <Fields app={app} form={form} part={part} onPart={setPart} />
            </Fieldset>
            {isOverwriting ? (
              <Conflict
                draft={draft}
                current={campaign}
                isAsked={saving.error !== null}
                onMerged={(next) => {
                  saving.reset();
                  setTyped(next);
                }}
                onDiscard={() => {
                  saving.reset();
                  clear();
                }}
              />
            ) : (
              saving.error && <FailedAct error={saving.error} />
            )}
            <Group>
              <ScopedButton
                needs="campaigns.write"
                applicationId={app}
                loading={saving.isPending}
                disabled={problem !== null || isOverwriting}
                onClick={() => saving.save(draft)}
              >
                {campaign ? words.save : words.create}
              </ScopedButton>
              <Button variant="subtle" color="gray" onClick={() => leave()}>
                {words.discard}
              </Button>
              <Text size="sm" c="dimmed" role="status">
                {problem && problemText(problem)}
                {problem === null && !hasChanged(draft) && words.unchanged}
              </Text>
            </Group>
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <Stack>
            <Panel title={words.plan}>
              <Plan applicationId={app} definition={shown && { ...shown, name: shown.name || '–' }} />
            </Panel>
            <Panel title={texts.previews.title}>
              <Preview applicationId={app} definition={problem === 'noText' ? null : draft.definition} part={part} />
            </Panel>
          </Stack>
        </Grid.Col>
      </Grid>
    </Page>
  );
}

interface FieldsProps {
  app: string;
  form: Form;
  part: Part;
  onPart: (next: Part) => void;
}

function Fields({ app, form, part, onPart }: FieldsProps) {
  const words = texts.editor;
  const audience = form.draft.audience ?? audienceOf(form.definition.target)?.draft;
  return (
    <Stack>
      <TextInput
        label={texts.campaigns.name}
        required
        maxLength={255}
        value={form.definition.name}
        onChange={(event) => form.set(['name'], event.currentTarget.value)}
      />
      <Fieldset legend={words.content}>
        <Content form={form} part={part} onPart={onPart} />
      </Fieldset>
      <Fieldset legend={texts.audience.legend}>
        {audience ? (
          <AudienceBuilder applicationId={app} value={audience} onChange={form.setAudience} />
        ) : (
          <Text size="sm">{words.audienceAsJson}</Text>
        )}
      </Fieldset>
      <Fieldset legend={texts.campaigns.schedule}>
        <Schedule form={form} />
      </Fieldset>
      <Accordion multiple variant="contained" order={2}>
        <Accordion.Item value="rules">
          <Accordion.Control>{words.rules}</Accordion.Control>
          <Accordion.Panel>
            <Rules form={form} />
          </Accordion.Panel>
        </Accordion.Item>
        <Accordion.Item value="json">
          <Accordion.Control>{words.allFields}</Accordion.Control>
          <Accordion.Panel>
            <AsJson form={form} />
          </Accordion.Panel>
        </Accordion.Item>
      </Accordion>
    </Stack>
  );
}

function problemText(problem: Problem): string {
  const { problems } = texts.editor;
  return problem in problems
    ? problems[problem as keyof typeof problems]
    : texts.audience.problems[problem as keyof typeof texts.audience.problems];
}
