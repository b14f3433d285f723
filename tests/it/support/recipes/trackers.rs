//! Trackers: issues, comments, states.

use serde_json::{Value, json};

use super::{Answered, Asked, Vendor, shape, text};

/// The token that every stand-in wants.
pub const TOKEN: &str = "recipe-token-4711";

/// One issue.
#[derive(Default)]
struct Issue {
    title: String,
    text: String,
    comments: Vec<String>,
    state: String,
}

/// The issues of a tracker, numbered from 1.
#[derive(Default)]
struct Issues(Vec<Issue>);

impl Issues {
    fn open(&mut self, title: &str, text: &str) -> usize {
        self.0.push(Issue {
            title: title.to_owned(),
            text: text.to_owned(),
            state: "open".to_owned(),
            ..Issue::default()
        });
        self.0.len()
    }

    fn at(&mut self, number: &str) -> Option<&mut Issue> {
        number.parse::<usize>().ok().and_then(|number| self.0.get_mut(number.checked_sub(1)?))
    }

    /// The number of the issue whose text has `words` in it.
    fn find(&self, words: &str) -> Vec<usize> {
        assert!(words.len() >= 20, "what is looked for is too short: {words}");
        (1..).zip(&self.0).filter(|(_, issue)| issue.text.contains(words)).map(|(number, _)| number).collect()
    }

    fn lines(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|issue| {
                format!("{} [{}]\n{}\n{}", issue.title, issue.state, issue.text, issue.comments.join("\n---\n"))
            })
            .collect()
    }
}

fn message(status: u16) -> impl Fn(String) -> (u16, Value) {
    move |why| (status, json!({"message": why}))
}

/// GitHub, of the repository acme/pay.
#[derive(Default)]
pub struct GitHub(Issues);

impl Vendor for GitHub {
    fn answer(&mut self, asked: &Asked) -> Answered {
        assert_eq!(asked.host, "api.github.com");
        if asked.header("authorization") != format!("Bearer {TOKEN}") {
            return Err((401, json!({"message": "Bad credentials"})));
        }
        if asked.header("x-github-api-version") != "2022-11-28"
            || asked.header("accept") != "application/vnd.github+json"
        {
            return Err((400, json!({"message": "the API version is not known"})));
        }
        let invalid = |why: String| (422, json!({"message": "Validation Failed", "errors": [{"message": why}]}));
        let gone = || (404, json!({"message": "Not Found"}));
        let steps = asked.steps();
        match (asked.method.as_str(), steps.as_slice()) {
            ("GET", ["search", "issues"]) => {
                let query = asked.param("q");
                let [words, "repo:acme/pay", "type:issue"] = query.split(' ').collect::<Vec<_>>()[..] else {
                    return Err(invalid(format!("the search has no repository: {query}")));
                };
                let found: Vec<Value> = self.0.find(words).iter().map(|number| issue(*number)).collect();
                Ok((200, json!({"total_count": found.len(), "items": found})))
            }
            ("POST", ["repos", "acme", "pay", "issues"]) => {
                let body = asked.json("application/json")?;
                shape(&body, &[("title", 256), ("body", 65_536), ("labels", 0)]).map_err(invalid)?;
                let labels = body["labels"].as_array().cloned().unwrap_or_default();
                if !labels.iter().all(Value::is_string) {
                    return Err(invalid("labels are texts".to_owned()));
                }
                let number =
                    self.0.open(text(&body, "/title").map_err(invalid)?, text(&body, "/body").map_err(invalid)?);
                Ok((201, issue(number)))
            }
            ("POST", ["repos", "acme", "pay", "issues", number, "comments"]) => {
                let body = asked.json("application/json")?;
                shape(&body, &[("body", 65_536)]).map_err(invalid)?;
                let said = text(&body, "/body").map_err(invalid)?.to_owned();
                self.0.at(number).ok_or_else(gone)?.comments.push(said);
                Ok((201, json!({"id": 1})))
            }
            ("PATCH", ["repos", "acme", "pay", "issues", number]) => {
                let body = asked.json("application/json")?;
                shape(&body, &[("title", 256), ("body", 65_536), ("state", 10)]).map_err(invalid)?;
                let issue = self.0.at(number).ok_or_else(gone)?;
                if let Ok(state) = text(&body, "/state") {
                    if !["open", "closed"].contains(&state) {
                        return Err(invalid(format!("state {state}")));
                    }
                    state.clone_into(&mut issue.state);
                }
                Ok((200, json!({})))
            }
            _ => Err(gone()),
        }
    }

    fn has(&self) -> Vec<String> {
        self.0.lines()
    }
}

fn issue(number: usize) -> Value {
    json!({"number": number, "html_url": format!("https://github.com/acme/pay/issues/{number}")})
}

/// GitLab, of the project acme/pay.
#[derive(Default)]
pub struct GitLab(Issues);

impl Vendor for GitLab {
    fn answer(&mut self, asked: &Asked) -> Answered {
        assert_eq!(asked.host, "gitlab.com");
        if asked.header("private-token") != TOKEN {
            return Err((401, json!({"message": "401 Unauthorized"})));
        }
        let gone = || (404, json!({"message": "404 Not found"}));
        let made =
            |number: usize| json!({"iid": number, "web_url": format!("https://gitlab.com/acme/pay/-/issues/{number}")});
        let steps = asked.steps();
        let ["api", "v4", "projects", "acme%2Fpay", rest @ ..] = steps.as_slice() else { return Err(gone()) };
        match (asked.method.as_str(), rest) {
            ("GET", ["issues"]) => {
                assert_eq!(asked.param("in"), "description");
                Ok((200, self.0.find(asked.param("search")).into_iter().map(made).collect()))
            }
            ("POST", ["issues"]) => {
                let body = asked.json("application/json")?;
                shape(&body, &[("title", 255), ("description", 1_048_576), ("labels", 1000)]).map_err(message(400))?;
                let title = text(&body, "/title").map_err(message(400))?;
                let description = text(&body, "/description").map_err(message(400))?;
                assert!(!description.lines().any(|line| line.starts_with('/')), "a command: {description}");
                Ok((201, made(self.0.open(title, description))))
            }
            ("POST", ["issues", number, "notes"]) => {
                let body = asked.json("application/json")?;
                shape(&body, &[("body", 1_000_000)]).map_err(message(400))?;
                let said = text(&body, "/body").map_err(message(400))?.to_owned();
                assert!(!said.lines().any(|line| line.starts_with('/')), "a command: {said}");
                self.0.at(number).ok_or_else(gone)?.comments.push(said);
                Ok((201, json!({"id": 1})))
            }
            ("PUT", ["issues", number]) => {
                let body = asked.json("application/json")?;
                shape(&body, &[("state_event", 20)]).map_err(message(400))?;
                if body["state_event"] != "close" {
                    return Err(message(400)("state_event does not have a valid value".to_owned()));
                }
                self.0.at(number).ok_or_else(gone)?.state = "closed".to_owned();
                Ok((200, json!({})))
            }
            _ => Err(gone()),
        }
    }

    fn has(&self) -> Vec<String> {
        self.0.lines()
    }
}

/// Azure DevOps, of the project pay.
#[derive(Default)]
pub struct Azure(Issues);

impl Azure {
    /// The values of a patch that only adds fields.
    fn patch(asked: &Asked) -> Result<Vec<(String, String)>, (u16, Value)> {
        let body = asked.json("application/json-patch+json")?;
        let changes = body.as_array().cloned().unwrap_or_default();
        let read = |change: &Value| {
            shape(change, &[("op", 10), ("path", 200), ("value", 1_000_000)])?;
            let path = text(change, "/path")?.strip_prefix("/fields/").ok_or("no field")?.to_owned();
            if change["op"] != "add" {
                return Err("only add is meant".to_owned());
            }
            Ok((path, text(change, "/value")?.to_owned()))
        };
        changes.iter().map(read).collect::<Result<Vec<_>, String>>().map_err(message(400))
    }
}

impl Vendor for Azure {
    fn answer(&mut self, asked: &Asked) -> Answered {
        assert_eq!(asked.host, "dev.azure.com");
        if asked.password() != TOKEN {
            return Err((401, json!({"message": "Access Denied"})));
        }
        if !asked.param("api-version").starts_with("7.1") {
            return Err((400, json!({"message": "No api-version was supplied"})));
        }
        let gone = || (404, json!({"message": "TF401232: Work item does not exist"}));
        let steps = asked.steps();
        let ["acme", "pay", "_apis", "wit", rest @ ..] = steps.as_slice() else { return Err(gone()) };
        match (asked.method.as_str(), rest) {
            ("POST", ["wiql"]) => {
                let body = asked.json("application/json")?;
                let query = text(&body, "/query").map_err(message(400))?;
                let words = query.split('\'').nth(1).unwrap();
                let found: Vec<Value> = self.0.find(words).iter().map(|id| json!({"id": id})).collect();
                Ok((200, json!({"workItems": found})))
            }
            ("POST", ["workitems", "$Bug"]) => {
                let fields = Self::patch(asked)?;
                let get = |name: &str| fields.iter().find(|(one, _)| one == name).map(|(_, value)| value.clone());
                let title = get("System.Title").filter(|title| title.chars().count() <= 255);
                let title = title.ok_or_else(|| message(400)("TF401320: Title".to_owned()))?;
                let text = get("Microsoft.VSTS.TCM.ReproSteps").unwrap_or_default();
                let id = self.0.open(&title, &format!("{text}\ntags: {}", get("System.Tags").unwrap_or_default()));
                let page = format!("https://dev.azure.com/acme/pay/_workitems/edit/{id}");
                Ok((200, json!({"id": id, "_links": {"html": {"href": page}}})))
            }
            ("PATCH", ["workitems", id]) => {
                let fields = Self::patch(asked)?;
                let issue = self.0.at(id).ok_or_else(gone)?;
                let [(name, state)] = fields.as_slice() else { return Err(message(400)("one field".to_owned())) };
                assert_eq!((name.as_str(), state.as_str()), ("System.State", "Closed"));
                issue.state = "closed".to_owned();
                Ok((200, json!({"id": 1})))
            }
            ("POST", ["workItems", id, "comments"]) => {
                let body = asked.json("application/json")?;
                shape(&body, &[("text", 100_000)]).map_err(message(400))?;
                let said = text(&body, "/text").map_err(message(400))?.to_owned();
                self.0.at(id).ok_or_else(gone)?.comments.push(said);
                Ok((200, json!({"id": 1})))
            }
            _ => Err(gone()),
        }
    }

    fn has(&self) -> Vec<String> {
        self.0.lines()
    }
}

/// Linear.
#[derive(Default)]
pub struct Linear {
    issues: Issues,
    ids: Vec<String>,
}

impl Vendor for Linear {
    fn answer(&mut self, asked: &Asked) -> Answered {
        assert_eq!(
            (asked.host.as_str(), asked.path.as_str(), asked.method.as_str()),
            ("api.linear.app", "/graphql", "POST")
        );
        let fault = |status: u16, why: &str, code: &str| {
            (status, json!({"errors": [{"message": why, "extensions": {"code": code}}]}))
        };
        if asked.header("authorization") != TOKEN {
            return Err(fault(401, "Authentication required", "AUTHENTICATION_ERROR"));
        }
        let body = asked.json("application/json")?;
        let invalid = |why: String| fault(200, &why, "INVALID_INPUT");
        shape(&body, &[("query", 5_000), ("variables", 0)]).map_err(invalid)?;
        let query = text(&body, "/query").map_err(invalid)?;
        assert_eq!(query.matches('{').count(), query.matches('}').count(), "{query}");
        let number = |ids: &[String], id: &str| ids.iter().position(|one| one == id).map(|at| (at + 1).to_string());
        let called = query.split_once('{').map(|(_, rest)| rest.trim()).unwrap_or_default();
        let called = called.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        let input = &body["variables"]["input"];
        match called {
            "issueCreate" => {
                let keys = [("id", 36), ("teamId", 36), ("title", 255), ("description", 100_000)];
                shape(input, &keys).map_err(invalid)?;
                let id = text(input, "/id").map_err(invalid)?.to_owned();
                let parsed = uuid::Uuid::parse_str(&id).map_err(|error| invalid(error.to_string()))?;
                assert_eq!(parsed.get_version_num(), 4);
                if self.ids.contains(&id) {
                    return Err(invalid("an issue with this id exists already".to_owned()));
                }
                let title = text(input, "/title").map_err(invalid)?;
                self.issues.open(title, text(input, "/description").map_err(invalid)?);
                self.ids.push(id.clone());
                let issue = json!({"id": id, "url": "https://linear.app/acme/issue/PAY-1"});
                Ok((200, json!({"data": {"issueCreate": {"success": true, "issue": issue}}})))
            }
            "issues" => {
                let id = text(&body, "/variables/id").map_err(invalid)?;
                let nodes: Vec<Value> = self.ids.iter().filter(|one| *one == id).map(|id| json!({"id": id})).collect();
                Ok((200, json!({"data": {"issues": {"nodes": nodes}}})))
            }
            "commentCreate" => {
                let id = number(&self.ids, text(input, "/issueId").map_err(invalid)?);
                let issue = id.and_then(|id| self.issues.at(&id));
                let issue = issue.ok_or_else(|| invalid("Entity not found: Issue".to_owned()))?;
                issue.comments.push(text(input, "/body").map_err(invalid)?.to_owned());
                Ok((200, json!({"data": {"commentCreate": {"success": true}}})))
            }
            "issueUpdate" => {
                let id = number(&self.ids, text(&body, "/variables/id").map_err(invalid)?);
                let issue = id.and_then(|id| self.issues.at(&id));
                let issue = issue.ok_or_else(|| invalid("Entity not found: Issue".to_owned()))?;
                assert_eq!(text(input, "/stateId").map_err(invalid)?, "11111111-2222-4333-8444-555555555555");
                issue.state = "closed".to_owned();
                Ok((200, json!({"data": {"issueUpdate": {"success": true}}})))
            }
            other => Err(fault(400, &format!("Cannot query field {other}"), "GRAPHQL_VALIDATION_FAILED")),
        }
    }

    fn has(&self) -> Vec<String> {
        self.issues.lines()
    }
}

/// YouTrack.
#[derive(Default)]
pub struct YouTrack(Issues);

impl Vendor for YouTrack {
    fn answer(&mut self, asked: &Asked) -> Answered {
        assert_eq!(asked.host, "acme.youtrack.cloud");
        if asked.header("authorization") != format!("Bearer {TOKEN}") {
            return Err((401, json!({"error": "Unauthorized"})));
        }
        let bad = |why: String| (400, json!({"error": "Bad Request", "error_description": why}));
        let gone = || (404, json!({"error": "Not Found"}));
        let made = |number: usize| json!({"idReadable": format!("PAY-{number}")});
        let steps = asked.steps();
        let number = |key: &str| key.strip_prefix("PAY-").unwrap_or_default().to_owned();
        match (asked.method.as_str(), steps.as_slice()) {
            ("GET", ["api", "issues"]) => Ok((200, self.0.find(asked.param("query")).into_iter().map(made).collect())),
            ("POST", ["api", "issues"]) => {
                assert_eq!(asked.param("fields"), "idReadable");
                let body = asked.json("application/json")?;
                shape(&body, &[("project", 0), ("summary", 255), ("description", 1_000_000)]).map_err(bad)?;
                assert_eq!(body["project"], json!({"id": "0-0"}));
                let summary = text(&body, "/summary").map_err(bad)?;
                Ok((200, made(self.0.open(summary, text(&body, "/description").map_err(bad)?))))
            }
            ("POST", ["api", "issues", key, "comments"]) => {
                let body = asked.json("application/json")?;
                shape(&body, &[("text", 1_000_000)]).map_err(bad)?;
                let said = text(&body, "/text").map_err(bad)?.to_owned();
                self.0.at(&number(key)).ok_or_else(gone)?.comments.push(said);
                Ok((200, json!({"id": "1-1"})))
            }
            ("POST", ["api", "commands"]) => {
                let body = asked.json("application/json")?;
                shape(&body, &[("query", 200), ("issues", 0)]).map_err(bad)?;
                assert_eq!(body["query"], "State Fixed");
                let key = text(&body, "/issues/0/idReadable").map_err(bad)?;
                self.0.at(&number(key)).ok_or_else(gone)?.state = "closed".to_owned();
                Ok((200, json!({})))
            }
            _ => Err(gone()),
        }
    }

    fn has(&self) -> Vec<String> {
        self.0.lines()
    }
}

/// Redmine.
#[derive(Default)]
pub struct Redmine(Issues);

impl Vendor for Redmine {
    fn answer(&mut self, asked: &Asked) -> Answered {
        assert_eq!(asked.host, "redmine.acme.example");
        if asked.header("x-redmine-api-key") != TOKEN {
            return Err((401, Value::Null));
        }
        let bad = |why: String| (422, json!({"errors": [why]}));
        let steps = asked.steps();
        match (asked.method.as_str(), steps.as_slice()) {
            ("GET", ["issues.json"]) => {
                assert_eq!((asked.param("project_id"), asked.param("status_id")), ("pay", "*"));
                let found = self.0.find(asked.param("cf_1"));
                Ok((200, json!({"issues": found.iter().map(|id| json!({"id": id})).collect::<Value>()})))
            }
            ("POST", ["issues.json"]) => {
                let body = asked.json("application/json")?;
                let issue = &body["issue"];
                let keys = [("project_id", 100), ("subject", 255), ("description", 1_000_000), ("custom_fields", 0)];
                shape(issue, &keys).map_err(bad)?;
                let subject = text(issue, "/subject").map_err(|_| bad("Subject cannot be blank".to_owned()))?;
                let description = text(issue, "/description").map_err(bad)?;
                assert_eq!(issue["custom_fields"][0]["id"], 1);
                let key = text(issue, "/custom_fields/0/value").map_err(bad)?;
                let id = self.0.open(subject, &format!("{description}\n{key}"));
                Ok((201, json!({"issue": {"id": id}})))
            }
            ("PUT", ["issues", file]) => {
                let id = file.strip_suffix(".json").unwrap();
                let body = asked.json("application/json")?;
                let change = &body["issue"];
                shape(change, &[("notes", 1_000_000), ("status_id", 10)]).map_err(bad)?;
                let issue = self.0.at(id).ok_or((404, Value::Null))?;
                if let Ok(notes) = text(change, "/notes") {
                    issue.comments.push(notes.to_owned());
                }
                if let Ok(status) = text(change, "/status_id") {
                    assert_eq!(status, "5");
                    issue.state = "closed".to_owned();
                }
                Ok((204, Value::Null))
            }
            _ => Err((404, Value::Null)),
        }
    }

    fn has(&self) -> Vec<String> {
        self.0.lines()
    }
}
