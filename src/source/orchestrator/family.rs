//! The families of events, and where each keeps what it is about.

/// What the events of one family are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// A job.
    Job,
    /// An item of a queue.
    QueueItem,
    /// A queue.
    Queue,
    /// A robot.
    Robot,
    /// A process (a release of a package).
    Process,
    /// A trigger (a schedule).
    Trigger,
    /// One that this release does not know.
    Other,
}

impl Family {
    /// The family of the event `name`: that of `job.faulted` is `job`.
    pub(super) fn of(name: &str) -> Self {
        let word = name.split('.').next().unwrap_or_default();
        match word.to_ascii_lowercase().as_str() {
            "job" => Self::Job,
            "queueitem" => Self::QueueItem,
            "queue" => Self::Queue,
            "robot" => Self::Robot,
            "process" | "release" => Self::Process,
            "schedule" | "timetrigger" | "queuetrigger" | "trigger" => Self::Trigger,
            _ => Self::Other,
        }
    }

    /// The keys under which a body has what it is about, one or a list.
    pub(super) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Job => &["Job", "Jobs"],
            Self::QueueItem => &["QueueItem", "QueueItems"],
            Self::Queue => &["Queue", "Queues"],
            Self::Robot => &["Robot", "Robots", "Session", "Sessions"],
            Self::Process => &["Release", "Releases", "Process", "Processes"],
            Self::Trigger => &["ProcessSchedule", "ProcessSchedules", "Trigger", "Triggers"],
            Self::Other => &[],
        }
    }

    /// Its word in a subject: `job` of `job/148671`.
    pub(super) fn word(self) -> Option<&'static str> {
        match self {
            Self::Job => Some("job"),
            Self::QueueItem => Some("queueItem"),
            Self::Queue => Some("queue"),
            Self::Robot => Some("robot"),
            Self::Process => Some("process"),
            Self::Trigger => Some("schedule"),
            Self::Other => None,
        }
    }
}
